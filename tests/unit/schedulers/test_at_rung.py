"""Decisions and promotions under any order, repetition and crash of those who take them."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tuner.backends.simulated import MemoryStore
from tuner.errors import StoreUnreachable
from tuner.log import StudyLog
from tuner.log.keys import parse_rung_name
from tuner.schedulers import MultiObjectiveHyperband, RungRecord
from tuner.schedulers.at_rung import decide_at_rung
from tuner.spec import TuningStudy
from tuner.study.bodies import promotion_of
from tuner.study.chronicle import Chronicle
from tuner.worker.promoting import Promoter

LEVELS = (1.0, 3.0)
PREFIX = "studies/ns/s.uid"
SPEC = TuningStudy.model_validate(
    {
        "metadata": {"name": "s"},
        "spec": {
            "objectives": [
                {"metric": "loss", "direction": "Minimize"},
                {"metric": "cost", "direction": "Minimize"},
            ],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "hardware": {"instanceTypes": ["small"]},
            "pipeline": {"stages": [{"name": "train", "command": ["a"]}]},
            "fidelity": {"name": "epoch", "stage": "train", "max": 9},
            "scheduler": {"variant": "Promotion"},
            "budget": {"maxTrials": 3},
        },
    }
).spec


class Fragile:
    """A store whose caller dies before or after one of the next puts."""

    def __init__(self, store):
        self._store = store
        self.dies_in = None
        self.after = False

    def put(self, key, data, **more):
        if self.dies_in is None:
            return self._store.put(key, data, **more)
        self.dies_in -= 1
        if self.dies_in > 0 or self.after:
            self._store.put(key, data, **more)
        if self.dies_in == 0:
            self.dies_in = None
            raise StoreUnreachable("died")
        return None

    def __getattr__(self, name):
        return getattr(self._store, name)


class View:
    """What a worker reads of the log; it sees its own writes."""

    def __init__(self, log):
        self.log = log
        self.chronicle = Chronicle()

    def append(self, kind, **record):
        return self.log.append(kind, **record)

    def refresh(self):
        self.chronicle = Chronicle()
        self.chronicle.add(self.log.read_all())
        return self.chronicle


class Backend:
    def __init__(self):
        self.resumed = []

    def resume(self, trial, *, level):
        self.resumed.append((trial, level))


class Story:
    """A trial that waits at a rung, as its worker's log would tell it."""

    accepted = completed = None

    def __init__(self, name, level, promotions):
        self.name = name
        self.trial = self
        self.bracket = 0
        self.worker = 0
        self.paused_at = level
        self.promotions = promotions
        self.promoted = max(promotions, default=0.0)
        self.waits_at = None if self.promoted >= level else level


class Rung(RuleBasedStateMachine):
    promotes = True

    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self.store = MemoryStore(lambda: self.now)
        self.fragile = Fragile(self.store)
        self.log = StudyLog(self.fragile, PREFIX, clock=lambda: self.now)
        self.scheduler = MultiObjectiveHyperband(
            minimum=1,
            maximum=9,
            reduction_factor=3,
            minimize=(True, True),
            promotes=self.promotes,
        )
        self.vectors = {}
        self.taken = {}

    def decide(self, trial, level, *, attempt=1):
        return decide_at_rung(
            self.log,
            scheduler=self.scheduler,
            bracket=0,
            level=level,
            trial=trial,
            attempt=attempt,
            vector=self.vectors[trial, level],
        )

    trials = st.integers(0, 8).map(lambda number: f"s-0-{number}")
    levels = st.sampled_from(LEVELS)
    values = st.tuples(st.integers(0, 4).map(float), st.integers(0, 4).map(float))
    deaths = st.none() | st.tuples(st.integers(1, 2), st.booleans())

    @rule(trial=trials, level=levels, vector=values, death=deaths, attempt=st.integers(1, 3))
    def arrive(self, trial, level, vector, death, attempt):
        """An agent gets to a rung, for the first time or again, and may die there."""
        self.now += 1.0
        self.vectors.setdefault((trial, level), vector)
        if death is not None:
            self.fragile.dies_in, self.fragile.after = death
        try:
            decision = self.decide(trial, level, attempt=attempt)
        except StoreUnreachable:
            return
        finally:
            self.fragile.dies_in = None
        known = self.taken.setdefault((trial, level), decision)
        assert decision == known

    @precondition(lambda self: self.promotes)
    @rule(worker=st.integers(0, 2), places=st.integers(1, 3), death=deaths)
    def promote(self, worker, places, death):
        """A worker promotes, knowing the log or an older state of it, and may die in between."""
        self.now += 1.0
        view, backend = View(self.log), Backend()
        promoter = Promoter(SPEC, worker=worker, view=view, backend=backend)
        stories = self.stories(view.refresh())
        if death is not None:
            self.fragile.dies_in, self.fragile.after = death
        try:
            promoter.promote(stories, places=places)
        except StoreUnreachable:
            pass
        finally:
            self.fragile.dies_in = None
        for trial, level in backend.resumed:
            assert level <= max(self.promotions(trial), default=0.0)

    def stories(self, chronicle):
        found = []
        for (trial, level), decision in self.taken.items():
            if decision.verb == "Pause":
                story = chronicle.story(trial)
                promotions = {} if story is None else story.promotions
                found.append(Story(trial, level, promotions))
        return found

    def promotions(self, trial):
        chronicle = Chronicle()
        chronicle.add(self.log.read_all())
        story = chronicle.story(trial)
        return {} if story is None else story.promotions

    @invariant()
    def one_decision_a_trial_and_rung(self):
        for (trial, level), decision in self.taken.items():
            assert self.log.get_decision(0, level, trial=trial) == decision

    @invariant()
    def decisions_follow_from_what_they_saw(self):
        for (trial, level), decision in self.taken.items():
            entries = [parse_rung_name(name) for name in decision.saw]
            rung = [RungRecord(trial=one.trial, vector=one.vector) for one in entries]
            again = self.scheduler.decide(level, rung=rung, trial=trial)
            assert (str(again.verb), again.rank, again.of) == (
                decision.verb,
                decision.rank,
                decision.of,
            )

    @invariant()
    def promotions_follow_from_what_they_saw_and_only_paused_trials_are_promoted(self):
        records = [one for one in self.log.read_all() if one.kind == "promoted"]
        assert len({(one.trial, one.part) for one in records}) == len(records)
        for one in map(promotion_of, records):
            assert self.taken[one.trial, one.level].verb == "Pause"
            entries = [parse_rung_name(name) for name in one.saw]
            rung = [RungRecord(trial=e.trial, vector=e.vector) for e in entries]
            (standing,) = self.scheduler.standings(rung, waiting={one.trial})
            assert (standing.rank, standing.of) == (one.rank, one.of)
            assert standing.promotable


class StoppingRung(Rung):
    promotes = False


QUICK = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestPromotion = Rung.TestCase
TestPromotion.settings = QUICK
TestStopping = StoppingRung.TestCase
TestStopping.settings = QUICK


@pytest.mark.parametrize("promotes", [False, True])
def test_of_two_that_arrive_at_once_one_sees_the_other(promotes):
    machine = Rung() if promotes else StoppingRung()
    for trial, vector in (("s-0-0", (1.0, 1.0)), ("s-0-1", (2.0, 2.0))):
        machine.vectors[trial, 1.0] = vector
        machine.log.put_rung(0, 1.0, trial=trial, attempt=1, vector=vector)
    saw = [machine.decide(trial, 1.0).of for trial in ("s-0-0", "s-0-1")]
    assert saw == [2, 2]
