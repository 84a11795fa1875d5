"""A fifth of the workers die at random, attempts are lost, the store is away for a minute."""

from collections import Counter

import numpy as np
import pytest

from tuner.backends.simulated import Fault, MemoryStore, VirtualClock
from tuner.errors import StoreUnreachable
from tuner.log.records import Kind
from tuner.study.chronicle import Chronicle
from tuner.worker.simulation import Simulation

WORKERS, TRIALS = 5, 25
START = 1e9


class Away(MemoryStore):
    """Does not answer from the 100th to the 160th second."""

    def __init__(self, clock):
        super().__init__(clock)
        self._clock = clock

    def put(self, key, data, *, size_bytes=None):
        self._answer()
        super().put(key, data, size_bytes=size_bytes)

    def get(self, key, *, max_bytes):
        self._answer()
        return super().get(key, max_bytes=max_bytes)

    def _answer(self):
        if 100 < self._clock() - START < 160:
            raise StoreUnreachable("away")


def lost(seed):
    """A tenth of the attempts is preempted."""

    def plan(trial, attempt):
        rng = np.random.default_rng([seed, attempt, *trial.encode()])
        return Fault(after_seconds=float(rng.uniform(1, 60))) if rng.random() < 0.1 else None

    return plan


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("look_ahead", [False, True])
def test_nothing_is_lost_or_counted_twice(world, seed, look_ahead):
    clock = VirtualClock()
    here = world(
        workers=WORKERS,
        clock=clock,
        store=Away(clock),
        faults=lost(seed),
        parallelTrials=WORKERS,
        budget={"maxTrials": TRIALS},
        scheduler={"type": "None"},
        searcher={"type": "Random", "seed": seed},
    )
    rng = np.random.default_rng(seed)
    simulation = Simulation(here)
    deaths, steps = 0, 0
    while simulation.backend.end is None:
        simulation.step()
        if look_ahead:
            for one in simulation._workers:
                one.prepare()
        if rng.random() < 0.2:
            dead = int(rng.integers(WORKERS))
            simulation._workers[dead] = simulation._worker(dead)
            deaths += 1
        steps += 1
        assert steps < 3000
    assert deaths >= 1
    check(here)


def check(here):
    records = here.open_log().read_all()
    chronicle = Chronicle()
    chronicle.add(records)
    stories = chronicle.stories
    assert all(not story.is_open for story in stories)
    counted = [story for story in stories if story.state not in ("Cancelled", "Rejected")]
    assert len(counted) == TRIALS
    assert all(story.completed is not None for story in counted if story.state == "Completed")
    assert sum(story.state == "Completed" for story in counted) >= TRIALS - 3
    numbers = {}
    for story in stories:
        numbers.setdefault(story.trial.worker, []).append(story.trial.number)
    assert all(sorted(one) == list(range(len(one))) for one in numbers.values())
    verdicts = Counter((one.trial, one.attempt) for one in records if one.kind is Kind.VERDICT)
    assert set(verdicts.values()) == {1}
    completed = Counter(one.trial for one in records if one.kind is Kind.RESULT
                        and one.body["outcome"] == "Completed")  # fmt: skip
    assert set(completed.values()) == {1}
