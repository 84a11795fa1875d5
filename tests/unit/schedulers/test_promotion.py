import math

from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import dominates
from tuner.schedulers import MultiObjectiveHyperband, NoStopping, RungRecord, Verb

value = st.integers(0, 6).map(float)
rungs = st.lists(st.tuples(value, value, value), min_size=1, max_size=30)
etas = st.integers(2, 5)


def hyperband(objectives=3, *, eta=3):
    return MultiObjectiveHyperband(
        minimum=1,
        maximum=27,
        reduction_factor=eta,
        minimize=(True,) * objectives,
        promotes=True,
    )


def records(vectors):
    return [RungRecord(trial=f"s-0-{i:02}", vector=tuple(v)) for i, v in enumerate(vectors)]


def standings(scheduler, rung):
    return list(scheduler.standings(rung, waiting={one.trial for one in rung}))


@given(rungs, etas)
def test_a_newcomer_that_dominates_its_rung_goes_on_once_there_is_a_place(vectors, eta):
    best = tuple(min(column) - 1 for column in zip(*vectors, strict=True))
    rung = records([*vectors, best])
    decision = hyperband(eta=eta).decide(3, rung=rung, trial=rung[-1].trial)
    assert decision.rank == 1
    assert decision.verb is (Verb.CONTINUE if len(rung) >= eta else Verb.PAUSE)


@given(rungs, etas)
def test_nobody_is_ever_stopped_and_at_most_one_in_eta_goes_on(vectors, eta):
    rung, scheduler = records(vectors), hyperband(eta=eta)
    verbs = [scheduler.decide(3, rung=rung, trial=one.trial).verb for one in rung]
    assert verbs.count(Verb.CONTINUE) == len(rung) // eta
    assert verbs.count(Verb.PAUSE) == len(rung) - len(rung) // eta


@given(rungs, etas)
def test_a_worker_finds_what_an_agent_would_decide(vectors, eta):
    rung, scheduler = records(vectors), hyperband(eta=eta)
    found = standings(scheduler, rung)
    assert [one.rank for one in found] == list(range(1, len(rung) + 1))
    for one in found:
        decision = scheduler.decide(3, rung=rung, trial=one.trial)
        assert (decision.rank, decision.of) == (one.rank, one.of)
        assert (decision.verb is Verb.CONTINUE) == one.promotable
    assert [one.promotable for one in found] == sorted(
        (one.promotable for one in found), reverse=True
    )


@given(rungs)
def test_unbeaten_is_what_none_dominates(vectors):
    rung = records(vectors)
    found = standings(hyperband(), rung)
    unbeaten = {one.trial for one in found if one.unbeaten}
    assert unbeaten == {
        one.trial for one in rung if not any(dominates(o.vector, one.vector) for o in rung)
    }
    assert [one.unbeaten for one in found] == sorted((one.unbeaten for one in found), reverse=True)


@given(rungs, st.permutations(range(3)), st.randoms(), st.data())
def test_standings_depend_on_no_order_no_unit_and_no_monotone_scale(vectors, axes, random, data):
    rung, scheduler = records(vectors), hyperband()
    waiting = data.draw(st.sets(st.sampled_from([one.trial for one in rung])))
    scales = (math.exp, lambda v: 1000 * v - 3, lambda v: v**3)
    turned = [
        RungRecord(trial=one.trial, vector=tuple(scales[axis](one.vector[axis]) for axis in axes))
        for one in rung
    ]
    random.shuffle(turned)
    assert list(scheduler.standings(turned, waiting=waiting)) == list(
        scheduler.standings(rung, waiting=waiting)
    )


@given(rungs, etas)
def test_what_waits_stands_the_same_whoever_else_waits(vectors, eta):
    rung, scheduler = records(vectors), hyperband(eta=eta)
    everyone = {one.trial: one for one in standings(scheduler, rung)}
    for one in rung:
        (alone,) = scheduler.standings(rung, waiting={one.trial, "s-9-9"})
        assert alone == everyone[one.trial]


def test_where_nothing_is_promoted_nobody_stands_anywhere():
    rung = records([(1.0,), (2.0,), (3.0,)])
    stopping = MultiObjectiveHyperband(minimum=1, maximum=27, reduction_factor=3, minimize=(True,))
    assert standings(stopping, rung) == []
    assert standings(NoStopping(), rung) == []


def test_failed_trials_are_the_last_to_go_on():
    rung = records([(math.nan,), (5.0,), (4.0,), (math.nan,)])
    assert [one.trial for one in standings(hyperband(1), rung)] == [
        "s-0-02",
        "s-0-01",
        "s-0-00",
        "s-0-03",
    ]
