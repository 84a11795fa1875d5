"""What part of a long rung a newcomer is compared with."""

import random

import pytest

from tuner.schedulers import MultiObjectiveHyperband, RungRecord, Verb
from tuner.schedulers.ranking import place_of
from tuner.schedulers.sample import ABOUT, sampled

LONG = 9000
OBJECTIVES = 4


@pytest.fixture(scope="module")
def rung():
    rng = random.Random(0)
    return [RungRecord(trial=f"s-{index % 3}-{index}", vector=vector(rng)) for index in range(LONG)]


def vector(rng):
    return tuple(rng.random() for _ in range(OBJECTIVES))


def by_trial(rung):
    return {one.trial: one for one in rung}


def hyperband():
    return MultiObjectiveHyperband(
        minimum=1, maximum=27, reduction_factor=3, minimize=(True,) * OBJECTIVES, promotes=True
    )


@pytest.mark.parametrize(("size", "objectives"), [(LONG, 3), (ABOUT, 4)])
def test_few_objectives_and_short_rungs_are_compared_with_in_full(rung, size, objectives):
    records = by_trial(rung[:size])
    assert sampled(records, trial=rung[0].trial, objectives=objectives) is records


def test_the_sample_is_even_and_holds_the_trial(rung):
    for newcomer in (rung[0], rung[-1], rung[77]):
        found = sampled(by_trial(rung), trial=newcomer.trial, objectives=OBJECTIVES)
        assert newcomer.trial in found
        assert len(found) == pytest.approx(ABOUT, rel=0.05)
        for worker in range(3):
            part = sum(name.startswith(f"s-{worker}-") for name in found)
            assert part == pytest.approx(ABOUT / 3, rel=0.1)


def test_the_order_of_a_long_rung_does_not_matter(rung):
    shuffled = random.Random(1).sample(rung, len(rung))
    trial = rung[5].trial
    assert hyperband().decide(3, rung=rung, trial=trial) == hyperband().decide(
        3, rung=shuffled, trial=trial
    )


def test_a_newcomer_that_dominates_a_long_rung_goes_on(rung):
    best = RungRecord(trial="s-9-0", vector=(-1.0,) * OBJECTIVES)
    decision = hyperband().decide(3, rung=[*rung, best], trial=best.trial)
    assert (decision.verb, decision.rank) == (Verb.CONTINUE, 1)


def test_a_place_in_the_sample_is_near_that_in_the_whole(rung):
    for newcomer in rung[:2]:
        decision = hyperband().decide(3, rung=rung, trial=newcomer.trial)
        whole = place_of(rung, trial=newcomer.trial, minimize=(True,) * OBJECTIVES)
        assert decision.rank / decision.of == pytest.approx(whole / LONG, abs=0.08)
