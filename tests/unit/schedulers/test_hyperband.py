import math
import random as random_module

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tuner.errors import SchedulerError
from tuner.pareto import dominates
from tuner.schedulers import MultiObjectiveHyperband, NoStopping, RungRecord, Verb, rung_levels

value = st.integers(0, 6).map(float)
rungs = st.lists(st.tuples(value, value, value), min_size=1, max_size=30)


def hyperband(objectives=3, minimize=None, reduction_factor=3):
    return MultiObjectiveHyperband(
        minimum=1,
        maximum=27,
        reduction_factor=reduction_factor,
        minimize=minimize or (True,) * objectives,
    )


def records(vectors):
    return [RungRecord(trial=f"s-0-{i}", vector=tuple(v)) for i, v in enumerate(vectors)]


def decide(vectors, newcomer, **settings):
    scheduler = hyperband(len(vectors[0]), **settings)
    return scheduler.decide(3, rung=records(vectors), trial=f"s-0-{newcomer}")


@pytest.mark.parametrize(
    ("bounds", "levels"),
    [
        ((1, 27, 3), (1, 3, 9)),
        ((1, 28, 3), (1, 3, 9, 27)),
        ((2, 2, 3), ()),
        ((0.1, 0.9, 3), (0.1, 0.3)),
        ((1, 16, 4), (1, 4)),
    ],
)
def test_rungs_lie_below_full_fidelity(bounds, levels):
    assert rung_levels(*bounds) == pytest.approx(levels)


@pytest.mark.parametrize("bounds", [(0, 9, 3), (1, 9, 1), (1, -1, 3)])
def test_rungs_need_sensible_bounds(bounds):
    with pytest.raises(SchedulerError):
        rung_levels(*bounds)


@given(st.tuples(value, value, value) | st.just((math.nan,) * 3))
def test_the_first_arrival_continues(vector):
    assert decide([vector], 0).verb is Verb.CONTINUE


@given(rungs)
def test_a_newcomer_that_dominates_its_rung_continues(vectors):
    best = tuple(min(column) - 1 for column in zip(*vectors, strict=True))
    decision = decide([*vectors, best], len(vectors))
    assert (decision.verb, decision.rank) == (Verb.CONTINUE, 1)


@given(rungs)
def test_a_newcomer_that_all_dominate_stops_once_there_are_others(vectors):
    worst = tuple(max(column) + 1 for column in zip(*vectors, strict=True))
    decision = decide([*vectors, worst], len(vectors))
    assert (decision.verb, decision.rank) == (Verb.STOP, len(vectors) + 1)


@given(rungs, st.integers(2, 5))
def test_about_one_in_eta_goes_on(vectors, eta):
    assume(len(set(vectors)) == len(vectors))
    going = [
        decide(vectors, index, reduction_factor=eta).verb is Verb.CONTINUE
        for index in range(len(vectors))
    ]
    assert sum(going) == math.ceil(len(vectors) / eta)


@given(rungs)
def test_ranks_respect_dominance(vectors):
    ranks = [decide(vectors, index).rank for index in range(len(vectors))]
    for i, a in enumerate(vectors):
        for j, b in enumerate(vectors):
            if dominates(a, b):
                assert ranks[i] < ranks[j]
            if a == b:
                assert ranks[i] == ranks[j]


@given(rungs, st.permutations(range(3)), st.randoms())
def test_decisions_depend_on_no_order_no_unit_and_no_monotone_scale(vectors, axes, random):
    shuffled = records(vectors)
    random.shuffle(shuffled)
    scheduler = hyperband()
    scales = (math.exp, lambda v: 1000 * v - 3, lambda v: v**3)
    turned = [
        RungRecord(
            trial=record.trial, vector=tuple(scales[axis](record.vector[axis]) for axis in axes)
        )
        for record in shuffled
    ]
    for record in shuffled:
        assert scheduler.decide(3, rung=turned, trial=record.trial) == scheduler.decide(
            3, rung=records(vectors), trial=record.trial
        )


@given(rungs)
def test_maximising_is_minimising_the_negative(vectors):
    negated = [(a, -b, c) for a, b, c in vectors]
    for index in range(len(vectors)):
        assert decide(negated, index, minimize=(True, False, True)) == decide(vectors, index)


def test_failed_trials_come_last_together():
    vectors = [(1.0, math.nan), (2.0, 2.0), (3.0, 3.0), (math.inf, 0.0)]
    assert [decide(vectors, index).rank for index in range(4)] == [3, 1, 2, 3]
    assert decide(vectors, 0).verb is Verb.STOP


def test_an_objective_that_nobody_has_is_not_compared():
    vectors = [(1.0, math.nan), (2.0, math.nan), (3.0, math.nan)]
    assert [decide(vectors, index).rank for index in range(3)] == [1, 2, 3]


def test_equal_vectors_share_a_place_and_a_fate():
    assert {decide([(1.0, 1.0)] * 9, index).verb for index in range(9)} == {Verb.CONTINUE}
    vectors = [(1.0, 1.0), (1.0, 1.0), (2.0, 2.0)]
    assert [decide(vectors, index).rank for index in range(3)] == [1, 1, 3]


def test_of_several_records_of_a_trial_the_first_counts():
    rung = [
        RungRecord(trial="a", vector=(5.0,)),
        RungRecord(trial="a", vector=(1.0,)),
        RungRecord(trial="b", vector=(3.0,)),
    ]
    decision = hyperband(1).decide(1, rung=rung, trial="a")
    assert (decision.rank, decision.of, decision.verb) == (2, 2, Verb.STOP)


def test_the_reason_is_a_sentence_for_people():
    vectors = [(float(index), float(index)) for index in range(14)]
    assert decide(vectors, 6).reason == "rung 3: 7th of 14, stopped"
    assert decide(vectors, 1).reason == "rung 3: 2nd of 14, continued"
    assert decide(vectors, 11).reason == "rung 3: 12th of 14, stopped"


def test_a_trial_outside_the_rung_is_refused():
    with pytest.raises(SchedulerError, match="no record of trial x"):
        hyperband(1).decide(1, rung=[], trial="x")
    with pytest.raises(SchedulerError, match="no record of trial x"):
        NoStopping().decide(1, rung=[], trial="x")
    with pytest.raises(SchedulerError, match="has 2 values"):
        hyperband(3).decide(1, rung=records([(1.0, 2.0)]), trial="s-0-0")


def test_without_stopping_everyone_continues():
    rung = records([(1.0,), (2.0,), (3.0,)])
    assert NoStopping().rungs() == ()
    assert NoStopping().decide(1, rung=rung, trial="s-0-2").verb is Verb.CONTINUE


def test_correlated_objectives_do_not_hide_the_best_trade_offs():
    random = random_module.Random(0)
    vectors = []
    for _ in range(200):
        seconds = random.uniform(1, 2)
        vectors.append((random.random(), seconds, seconds * 3))
    going = [v for i, v in enumerate(vectors) if decide(vectors, i).verb is Verb.CONTINUE]
    assert min(v[0] for v in going) == min(v[0] for v in vectors)
    assert min(v[1] for v in going) == min(v[1] for v in vectors)
