"""Each store write of a scenario fails or kills whoever makes it: nothing lost, nothing twice."""

from collections import Counter

import pytest

from tuner.backends.simulated import Killed, MemoryStore, VirtualClock
from tuner.errors import StoreUnreachable
from tuner.log.records import Kind
from tuner.study.chronicle import Chronicle
from tuner.worker.simulation import Simulation

SMALL = {
    "budget": {"maxTrials": 4},
    "parallelTrials": 2,
    "fidelity": {"name": "epoch", "stage": "train", "max": 3},
}
CALM = {**SMALL, "scheduler": {"type": "None"}}


class FaultyStore(MemoryStore):
    """Fails at its k-th write: before it, or after it as if the answer was lost."""

    def __init__(self, clock, *, at=None, after=False, error=Killed):
        super().__init__(clock)
        self.writes = 0
        self._at, self._after, self._error = at, after, error

    def put(self, key, data, *, size_bytes=None):
        self.writes += 1
        if self.writes != self._at:
            super().put(key, data, size_bytes=size_bytes)
            return
        if self._after:
            super().put(key, data, size_bytes=size_bytes)
        raise self._error(f"write {self._at}: {key}")


def finish(world, *, max_crashes=3):
    """Runs to the end, with a new worker and controller after each of their deaths."""
    for _ in range(max_crashes + 1):
        try:
            return Simulation(world).run(max_steps=500)
        except Killed:
            continue
    raise AssertionError("died too often")


def outcome(world):
    """What the study came to: parameters and accepted metrics by trial."""
    chronicle = folded(world)
    return {
        story.name: (
            story.state,
            tuple(sorted(story.trial.parameters.items())),
            None if story.accepted is None else tuple(sorted(story.accepted.metrics.items())),
        )
        for story in chronicle.stories
    }


def folded(world):
    chronicle = Chronicle()
    chronicle.add(world.open_log().read_all())
    return chronicle


def check_invariants(world):
    chronicle = folded(world)
    assert len(chronicle.stories) == 4
    assert all(not story.is_open for story in chronicle.stories)
    records = world.open_log().read_all()
    assert all(count == 1 for count in Counter(one.logical_id for one in records).values())
    verdicts = Counter((one.trial, one.attempt) for one in records if one.kind is Kind.VERDICT)
    assert all(count == 1 for count in verdicts.values())
    judged = {key for key, _ in verdicts.items()}
    spoke = {(one.trial, one.attempt) for one in records if one.attempt}
    assert spoke <= judged


def faulty(world, spec, **fault):
    clock = VirtualClock()
    store = FaultyStore(clock, **fault)
    return world(clock=clock, store=store, **spec), store


@pytest.mark.parametrize("after", [False, True], ids=["request", "answer"])
@pytest.mark.parametrize("error", [Killed, StoreUnreachable])
@pytest.mark.parametrize("seed", [1, 2])
def test_same_study_whichever_write_fails(world, after, error, seed):
    spec = {**CALM, "searcher": {"type": "Random", "seed": seed}}
    calm, store = faulty(world, spec)
    finish(calm)
    expected, count = outcome(calm), store.writes
    assert count > 30
    for at in range(1, count + 1):
        here, _ = faulty(world, spec, at=at, after=after, error=error)
        end = finish(here)
        assert end is not None, f"write {at}: the study does not end"
        assert end.reason == "MaxTrialsReached"
        check_invariants(here)
        assert outcome(here) == expected, f"write {at}"


@pytest.mark.parametrize("after", [False, True], ids=["request", "answer"])
def test_decisions_at_rungs_survive_every_write(world, after):
    calm, store = faulty(world, SMALL)
    finish(calm)
    for at in range(1, store.writes + 1):
        here, _ = faulty(world, SMALL, at=at, after=after)
        assert finish(here) is not None
        check_invariants(here)
        for story in folded(here).stories:
            decisions = [
                here.open_log().get_decision(0, level, trial=story.name) for level in (1.0,)
            ]
            assert all(one is not None for one in decisions)
            stopped = any(one.verb == "Stop" for one in decisions)
            assert stopped == (story.state == "Stopped")


@pytest.mark.parametrize("seed", [1, 2])
def test_same_study_whichever_step_the_controller_dies_after(world, seed):
    spec = {**CALM, "searcher": {"type": "Random", "seed": seed}}
    calm = world(**spec)
    steps, simulation = 0, Simulation(calm)
    while simulation.backend.end is None:
        simulation.step()
        steps += 1
    for at in range(steps):
        here = world(**spec)
        dying = Simulation(here)
        for _ in range(at):
            dying.step()
        assert finish(here).reason == "MaxTrialsReached"
        check_invariants(here)
        assert outcome(here) == outcome(calm)


def test_an_absent_store_only_delays(world):
    clock = VirtualClock()

    class Away(MemoryStore):
        def put(self, key, data, *, size_bytes=None):
            if 100 < clock() - 1e9 < 130:
                raise StoreUnreachable("away")
            super().put(key, data, size_bytes=size_bytes)

    here = world(clock=clock, store=Away(clock), **CALM)
    assert Simulation(here).run(max_steps=2000).reason == "MaxTrialsReached"
    check_invariants(here)
