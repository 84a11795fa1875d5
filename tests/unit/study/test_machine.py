import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.study.budget import HOUR
from tuner.study.elapsed import elapsed_seconds
from tuner.study.events import (
    Admit,
    AttemptEnded,
    Charged,
    Ended,
    Exhausted,
    Finish,
    Proposed,
    Started,
    Tell,
    TermsChanged,
    Tick,
    Withdraw,
)
from tuner.study.machine import Study, apply, replay, settle
from tuner.study.terms import Budget, ObjectiveTerm, Terms, TrialLimits
from tuner.trial import Command

TERMS = Terms(
    objectives=(ObjectiveTerm(metric="loss"),), budget=Budget(max_trials=3), parallel_trials=2
)


def run(study: Study, *events):
    """The study after the events, and all that it asked for."""
    asked = []
    for event in events:
        study, commands = apply(study, event)
        asked.extend(commands)
    return study, asked


def proposed(name: str, *, time: float = 0.0, price: float = 3.6) -> Proposed:
    return Proposed(time=time, trial=name, price_per_hour=price)


def completed(name: str, *, time: float = 10.0, cost: float = 0.01) -> Ended:
    return Ended(time=time, trial=name, state="Completed", cost_usd=cost)


def admitted(commands) -> list[str]:
    return [one.grant.trial for one in commands if isinstance(one, Admit)]


def test_a_study_from_first_proposal_to_its_end():
    study, asked = run(Study(terms=TERMS), proposed("a"), proposed("b"), proposed("c"))
    assert admitted(asked) == ["a", "b"]
    study, asked = run(study, Started(time=1, trial="a"), completed("a"))
    assert admitted(asked) == ["c"]
    study, asked = run(study, completed("b"), completed("c"))
    assert [type(one) for one in asked] == [Finish]
    assert study.end.reason == "MaxTrialsReached"
    assert study.count().completed == 3
    assert study.ledger(now=10).spent_usd == pytest.approx(0.03)
    assert apply(study, Tick(time=11))[1] == ()


def test_the_budget_stops_what_runs_and_withdraws_what_waits():
    terms = replace(TERMS, budget=Budget(max_cost_usd=1))
    study, _ = run(Study(terms=terms), *(proposed(name) for name in "abc"))
    study, asked = run(study, Charged(time=5, trial="a", cost_usd=1.5))
    assert [(one.trial, one.command) for one in asked if isinstance(one, Tell)] == [
        ("a", Command.STOP),
        ("b", Command.STOP),
    ]
    assert [one.trial for one in asked if isinstance(one, Withdraw)] == ["c"]
    stopped = [Ended(time=6, trial=name, state="Cancelled", cost_usd=1.5) for name in "ab"]
    study, asked = run(study, *stopped)
    assert [one.end.reason for one in asked] == ["NoTrialCompleted"]
    assert study.spent_usd == 3


def test_raising_the_budget_reopens_a_study():
    study, _ = run(Study(terms=TERMS), proposed("a"), proposed("b"), proposed("c"))
    study, _ = run(study, *(completed(name) for name in "abc"))
    assert study.finished
    study, _ = run(study, TermsChanged(time=20, terms=replace(TERMS, budget=Budget(max_trials=4))))
    assert not study.finished
    assert study.end is None
    _, asked = run(study, proposed("d", time=21))
    assert admitted(asked) == ["d"]


def test_suspension_checkpoints_and_resumption_goes_on_where_it_was():
    study, _ = run(Study(terms=TERMS), proposed("a"), Started(time=0, trial="a"))
    study, asked = run(study, TermsChanged(time=10, terms=replace(TERMS, suspended=True)))
    assert [(one.trial, one.command) for one in asked] == [("a", Command.CHECKPOINT)]
    paused = AttemptEnded(time=12, trial="a", cost_usd=0.5, seconds=12)
    study, asked = run(study, paused, Tick(time=1000))
    assert asked == []
    study, asked = run(study, TermsChanged(time=1000, terms=TERMS))
    assert admitted(asked) == ["a"]
    assert study.started == 1
    # The clock ran to the suspension and stood still from there.
    assert study.clock_seconds == pytest.approx(10)


def test_three_first_failures_alike_end_the_study():
    study, _ = run(Study(terms=replace(TERMS, parallel_trials=3)), *map(proposed, "abc"))
    failed = [Ended(time=1, trial=name, state="Failed", failure="ExitCode 2") for name in "abc"]
    study, asked = run(study, *failed)
    assert asked[-1].end.reason == "TooManyFailures"


def test_exhausted_workers_end_the_study_once_all_trials_have_ended():
    study, asked = run(Study(terms=TERMS), proposed("a"), Exhausted(time=1, worker=0))
    assert not any(isinstance(one, Finish) for one in asked)
    _, asked = run(study, completed("a"))
    assert [one.end.reason for one in asked] == ["SpaceExhausted"]


def test_a_trial_that_used_up_its_limit_is_withdrawn():
    terms = replace(TERMS, limits=TrialLimits(max_seconds=10))
    study, _ = run(Study(terms=terms), proposed("a"), Started(time=0, trial="a"))
    study, asked = run(study, AttemptEnded(time=12, trial="a", cost_usd=0.1, seconds=12))
    assert [(one.trial, one.reason) for one in asked] == [("a", "TrialLimit")]
    assert study.count().failed == 1


def test_a_started_trial_that_cannot_be_paid_to_its_end_keeps_no_study_open():
    terms = replace(TERMS, budget=Budget(max_trials=1, max_cost_usd=1.0), parallel_trials=1)
    terms = replace(terms, limits=TrialLimits(max_seconds=HOUR))
    begun = (proposed("a", price=0.5), Started(time=0, trial="a"), proposed("b", price=0.5))
    study, _ = run(Study(terms=terms), *begun)
    lost = AttemptEnded(time=60, trial="a", cost_usd=0.95, seconds=60)
    _, asked = run(study, lost)
    assert [one.end.reason for one in asked if isinstance(one, Finish)] == ["NoTrialCompleted"]


def test_a_cancelled_trial_leaves_its_place_among_max_trials():
    study, _ = run(Study(terms=TERMS), *map(proposed, "abc"))
    study, _ = run(study, Ended(time=1, trial="a", state="Cancelled"))
    assert study.started == 2


def test_replay_asks_for_nothing_twice():
    events = [proposed("a"), Started(time=1, trial="a"), proposed("b"), completed("a")]
    study = replay(Study(terms=TERMS), events)
    _, asked = settle(study, now=20)
    assert [one.grant.trial for one in asked] == ["b"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), maximum=st.integers(1, 12), parallel=st.integers(1, 4))
def test_every_study_ends_within_its_budget(seed, maximum, parallel):
    rng = random.Random(seed)
    terms = Terms(
        objectives=(ObjectiveTerm(metric="loss"),),
        budget=Budget(max_trials=maximum, max_cost_usd=5),
        limits=TrialLimits(max_seconds=HOUR),
        parallel_trials=parallel,
    )
    study, running, number, now = Study(terms=terms), {}, 0, 0.0
    for _ in range(1000):
        now += 60
        event = _next(rng, running=running, number=number, now=now)
        number += isinstance(event, Proposed)
        study, commands = apply(study, event)
        for one in commands:
            if isinstance(one, Admit):
                running[one.grant.trial] = one.grant
        assert len(study.running) <= parallel
        assert study.ledger(now=now).spent_usd <= 5 + 1e-9
        if study.finished:
            break
    assert study.finished
    assert not study.trials
    assert study.started <= maximum


def _next(rng, *, running, number, now):
    """A proposal, or the end of an attempt that ran to its deadline at most."""
    if not running or rng.random() < 0.3:
        return proposed(f"t{number}", time=now, price=rng.choice([0.5, 1.0, 2.0]))
    name = rng.choice(sorted(running))
    grant = running.pop(name)
    cost = grant.worst_usd * rng.random()
    if rng.random() < 0.2:
        return AttemptEnded(time=now, trial=name, cost_usd=cost, seconds=HOUR / 2)
    return Ended(time=now, trial=name, state=rng.choice(["Completed", "Stopped"]), cost_usd=cost)


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [
        ([], 0),
        ([(10, 20)], 10),
        ([(10, 20), (12, 15)], 10),
        ([(15, 30), (10, 20)], 20),
        ([(100, 110), (10, 20)], 20),
    ],
)
def test_a_study_is_busy_while_any_attempt_runs(intervals, seconds):
    assert elapsed_seconds(intervals) == seconds
