import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.study.budget import (
    HOUR,
    Ahead,
    Applicant,
    Bound,
    Grant,
    Ledger,
    Running,
    Wait,
    admit,
    burn_per_hour,
    lasts_seconds,
)
from tuner.study.terms import Budget, ObjectiveTerm, Terms, TrialLimits


def terms(
    *, parallel: int = 4, budget: Budget | None = None, limits: TrialLimits | None = None, **more
) -> Terms:
    return Terms(
        objectives=(ObjectiveTerm(metric="loss"),),
        parallel_trials=parallel,
        budget=budget or Budget(),
        limits=limits or TrialLimits(),
        **more,
    )


def applicant(name: str = "a", *, created: float = 0.0, price: float = 3.6, **more) -> Applicant:
    return Applicant(trial=name, created=created, price_per_hour=price, **more)


def test_order_is_creation_then_name():
    candidates = [
        applicant("b", created=1),
        applicant("c", created=0),
        applicant("a", created=1),
    ]
    admission = admit(candidates, running=[], terms=terms(parallel=2), ledger=Ledger())
    assert [grant.trial for grant in admission.grants] == ["c", "a"]
    assert [(one.trial, one.reason) for one in admission.refusals] == [("b", Wait.PARALLEL_TRIALS)]


def test_worst_cases_of_running_trials_are_reserved():
    limited = terms(budget=Budget(max_cost_usd=10), limits=TrialLimits(max_cost_usd=4))
    running = [Running(trial="r", price_per_hour=3.6, spent_usd=1, worst_usd=4)]
    admission = admit(
        [applicant("a"), applicant("b", created=1)],
        running=running,
        terms=limited,
        ledger=Ledger(spent_usd=1, started=1),
    )
    # 1 spent + 3 reserved + 4 for "a" leave 2, not the 4 that "b" may need.
    assert [grant.trial for grant in admission.grants] == ["a"]
    assert admission.refusals[0].reason is Wait.BUDGET
    assert not admission.refusals[0].final


def test_a_trial_that_can_never_be_paid_does_not_block_the_others():
    limited = terms(budget=Budget(max_cost_usd=10), limits=TrialLimits(max_seconds=HOUR))
    admission = admit(
        [applicant("dear", price=20), applicant("cheap", created=1, price=2)],
        running=[],
        terms=limited,
        ledger=Ledger(),
    )
    assert [grant.trial for grant in admission.grants] == ["cheap"]
    assert [(one.trial, one.reason, one.final) for one in admission.refusals] == [
        ("dear", Wait.UNAFFORDABLE, True)
    ]


def test_one_that_fits_later_keeps_younger_ones_waiting():
    limited = terms(budget=Budget(max_cost_usd=10), limits=TrialLimits(max_seconds=HOUR))
    running = [Running(trial="r", price_per_hour=4, worst_usd=4)]
    admission = admit(
        [applicant("dear", price=8), applicant("cheap", created=1, price=2)],
        running=running,
        terms=limited,
        ledger=Ledger(started=1),
    )
    assert not admission.grants
    assert [one.trial for one in admission.refusals] == ["dear", "cheap"]
    assert "waits behind dear" in admission.refusals[1].message


def test_without_limits_each_place_gets_its_share_of_the_free_money():
    shared = terms(budget=Budget(max_cost_usd=8), parallel=4)
    admission = admit(
        [applicant(str(index), price=1) for index in range(4)],
        running=[],
        terms=shared,
        ledger=Ledger(),
    )
    assert [grant.worst_usd for grant in admission.grants] == [2, 2, 2, 2]
    assert {grant.deadline_seconds for grant in admission.grants} == {2 * HOUR}
    assert {grant.bound for grant in admission.grants} == {Bound.BUDGET}


@pytest.mark.parametrize(
    ("limits", "budget", "expected"),
    [
        (TrialLimits(max_seconds=60), Budget(), (60, Bound.TRIAL_LIMIT)),
        (TrialLimits(max_cost_usd=3.6), Budget(), (HOUR, Bound.TRIAL_LIMIT)),
        (TrialLimits(), Budget(deadline=130), (30, Bound.DEADLINE)),
        (TrialLimits(max_seconds=60), Budget(max_seconds=40), (20, Bound.DEADLINE)),
        (TrialLimits(), Budget(), (None, Bound.NONE)),
    ],
)
def test_deadline_is_the_tightest_bound(limits, budget, expected):
    admission = admit(
        [applicant()],
        running=[],
        terms=terms(limits=limits, budget=budget),
        ledger=Ledger(now=100, seconds=20),
    )
    [grant] = admission.grants
    assert (grant.deadline_seconds, grant.bound) == expected


def test_earlier_attempts_shorten_the_deadline_and_do_not_count_as_started():
    limited = terms(budget=Budget(max_trials=1), limits=TrialLimits(max_seconds=100))
    again = applicant(admitted=True, spent_seconds=70, spent_usd=0.07)
    admission = admit([again], running=[], terms=limited, ledger=Ledger(started=1))
    assert admission.grants[0].deadline_seconds == pytest.approx(30)


@pytest.mark.parametrize(
    ("differing", "reason", "final"),
    [
        ({"suspended": True}, Wait.SUSPENDED, False),
        ({"budget": Budget(max_trials=3)}, Wait.MAX_TRIALS, True),
        ({"budget": Budget(deadline=50)}, Wait.TIME_OVER, True),
        ({"limits": TrialLimits(max_seconds=5)}, Wait.LIMIT_USED_UP, True),
        ({"limits": TrialLimits(max_cost_usd=1)}, Wait.LIMIT_USED_UP, True),
        ({"parallel": 0}, Wait.PARALLEL_TRIALS, False),
    ],
)
def test_refusals_before_money(differing, reason, final):
    admission = admit(
        [applicant(spent_seconds=5, spent_usd=1)],
        running=[],
        terms=terms(**differing),
        ledger=Ledger(started=3, now=100),
    )
    assert [(one.reason, one.final) for one in admission.refusals] == [(reason, final)]


prices = st.floats(0.01, 50)


@given(
    maximum=st.floats(0.5, 500),
    spent=st.floats(0, 600),
    limit=st.none() | st.floats(1, 40 * HOUR),
    parallel=st.integers(1, 8),
    new=st.lists(st.tuples(prices, st.floats(0, 9)), max_size=10),
    old=st.lists(st.tuples(prices, st.floats(0, 5)), max_size=5),
)
def test_worst_case_never_exceeds_the_budget(maximum, spent, limit, parallel, new, old):
    running = [
        Running(trial=f"r{index}", price_per_hour=price, worst_usd=worst)
        for index, (price, worst) in enumerate(old)
    ]
    reserved = sum(one.reserved_usd for one in running)
    admission = admit(
        [applicant(f"t{i}", created=at, price=price) for i, (price, at) in enumerate(new)],
        running=running,
        terms=terms(
            parallel=parallel,
            budget=Budget(max_cost_usd=maximum),
            limits=TrialLimits(max_seconds=limit),
        ),
        ledger=Ledger(spent_usd=spent, started=len(running)),
    )
    granted = sum(grant.worst_usd or 0.0 for grant in admission.grants)
    assert not admission.grants or spent + reserved + granted <= maximum + 1e-6
    assert len(admission.grants) <= max(0, parallel - len(running))
    assert len(admission.grants) + len(admission.refusals) == len(new)
    for grant in admission.grants:
        _deadline_keeps_the_promise(grant, price=dict(_named(new))[grant.trial])


def _named(new):
    return [(f"t{index}", price) for index, (price, _) in enumerate(new)]


def _deadline_keeps_the_promise(grant: Grant, *, price: float) -> None:
    assert grant.deadline_seconds is not None
    assert grant.worst_usd is not None
    assert grant.deadline_seconds * price / HOUR <= grant.worst_usd + 1e-6


def test_burn_rate():
    running = [Running(trial=name, price_per_hour=price) for name, price in (("a", 2), ("b", 4))]
    assert burn_per_hour(running) == 6
    assert lasts_seconds(3, usd_per_hour=6) == HOUR / 2
    assert math.isinf(lasts_seconds(3, usd_per_hour=0))


def test_a_trial_beyond_the_places_is_held_and_its_hold_reserved():
    limited = terms(parallel=1, budget=Budget(max_cost_usd=10), limits=TrialLimits(max_cost_usd=4))
    admission = admit(
        [applicant("a"), applicant("b", created=1, holdable=True)],
        running=[],
        terms=limited,
        ledger=Ledger(),
        ahead=Ahead(places=1, seconds=1000),
    )
    assert [(one.trial, one.held, one.worst_usd) for one in admission.grants] == [
        ("a", False, 4.0),
        ("b", True, 5.0),
    ]
    assert admission.grants[1].deadline_seconds == admission.grants[0].deadline_seconds


@pytest.mark.parametrize(
    ("ahead", "holdable", "held"),
    [(Ahead(), True, 0), (Ahead(places=1), False, 0), (Ahead(places=1), True, 1)],
)
def test_who_cannot_be_held_waits_for_a_place(ahead, holdable, held):
    admission = admit(
        [applicant("a", holdable=holdable), applicant("b", created=1, holdable=holdable)],
        running=[Running(trial="r", price_per_hour=1)],
        terms=terms(parallel=1),
        ledger=Ledger(),
        ahead=ahead,
    )
    assert len(admission.grants) == held
    assert {one.reason for one in admission.refusals} == {Wait.PARALLEL_TRIALS}


def test_a_held_trial_takes_no_place_and_no_money_that_is_not_there():
    limited = terms(parallel=2, budget=Budget(max_cost_usd=10), limits=TrialLimits(max_cost_usd=4))
    held = Running(trial="h", price_per_hour=3.6, worst_usd=4, held=True)
    admission = admit(
        [applicant("a"), applicant("b", created=1, holdable=True)],
        running=[held, Running(trial="r", price_per_hour=3.6, worst_usd=0)],
        terms=limited,
        ledger=Ledger(),
        ahead=Ahead(places=2, seconds=0),
    )
    assert [(one.trial, one.held) for one in admission.grants] == [("a", False)]
    (refusal,) = admission.refusals
    assert (refusal.reason, refusal.final) == (Wait.PARALLEL_TRIALS, False)
    assert not admission.unaffordable


def test_shares_leave_money_for_those_that_are_held():
    admission = admit(
        [applicant(str(index), price=1, holdable=True) for index in range(6)],
        running=[],
        terms=terms(budget=Budget(max_cost_usd=12), parallel=4),
        ledger=Ledger(),
        ahead=Ahead(places=2, seconds=0.1 * HOUR),
    )
    assert [one.held for one in admission.grants] == [False] * 4 + [True] * 2
    assert [one.worst_usd for one in admission.grants[:4]] == pytest.approx([2, 2, 2, 2])
    assert sum(one.worst_usd for one in admission.grants) == pytest.approx(12)
