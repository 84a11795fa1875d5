"""Ends that the log tells of before the kubelet does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tuner.artifacts import FolderStore
from tuner.errors import StoreUnreachable
from tuner.log import Kind, StudyLog
from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner.trial import Outcome
from tuner_operator.actions import WriteVerdict
from tuner_operator.book import StudyBook
from tuner_operator.facts import Facts
from tuner_operator.leaving import LOOK_SECONDS, REST_SECONDS, LeavingLoop
from tuner_operator.observed import LogView, StudyView
from tuner_operator.rounds import Rounds

KEY = ("ns", "s")


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


@pytest.fixture
def book(store):
    return StudyBook(store, key=KEY, uid="study-uid")


@pytest.fixture
def say(store, book):
    """Writes a result, as an agent does."""
    log = StudyLog(store, book.prefix)

    def write(trial, outcome, *, attempt=1, rung=None):
        body = {
            "v": 1,
            "segment": 0,
            "outcome": str(outcome),
            "reason": "",
            "message": "",
            "fidelity": 1.0,
            "metrics": {},
            "stages": [],
            "rung": rung,
        }
        log.append(Kind.RESULT, trial=trial, attempt=attempt, part="0", body=body)

    return write


@pytest.mark.parametrize(
    ("outcome", "rung", "leaves"),
    [
        (Outcome.COMPLETED, None, True),
        (Outcome.FAILED, None, True),
        (Outcome.STOPPED, None, True),
        (Outcome.PAUSED, 1.0, True),
        (Outcome.PAUSED, None, False),
        (Outcome.NEXT_SEGMENT, None, False),
        (Outcome.PREFIX_MISSING, None, False),
    ],
)
def test_what_ends_a_trial_or_rests_it_frees_its_place(book, say, outcome, rung, leaves):
    say("s-0-0", outcome, rung=rung)
    found = asyncio.run(book.leaving())
    assert found == (frozenset({("s-0-0", 1)}) if leaves else frozenset())


def test_with_its_verdict_it_has_left(book, say):
    async def scenario():
        say("s-0-0", Outcome.COMPLETED)
        say("s-0-1", Outcome.COMPLETED, attempt=2)
        await book.write_verdict(
            WriteVerdict("s-0-1", attempt=1, verdict=Verdict(state=TrialState.STARTING, start=1.0))
        )
        before = await book.leaving()
        await book.write_verdict(
            WriteVerdict("s-0-0", attempt=1, verdict=Verdict(state=TrialState.COMPLETED, start=1.0))
        )
        return before, await book.leaving()

    before, after = asyncio.run(scenario())
    assert before == {("s-0-0", 1), ("s-0-1", 2)}
    assert after == {("s-0-1", 2)}


class World:
    """One study, its trials, and a book that counts how often it is read."""

    def __init__(self, study, trials):
        self.study, self.trials = study, trials
        self.now, self.reads, self.told = 0.0, 0, []
        self.leaving = frozenset()
        self.error = None
        self.facts = Facts(clock=lambda: self.now)
        self.facts.logs[KEY] = ("study-uid", LogView())

    def loop(self):
        world = self

        class Book:
            async def leaving(self):
                world.reads += 1
                if world.error is not None:
                    raise world.error
                return world.leaving

        class Bucket:
            def opened(self, key, *, uid):
                return Book() if (key, uid) == (KEY, "study-uid") else None

        class Memory:
            def studies(self):
                return [KEY]

        class Views:
            def study(self, key):
                return world.study

            def trials(self, key):
                return world.trials

        rounds = Rounds(
            bucket=Bucket(),
            memory=Memory(),
            views=Views(),
            facts=self.facts,
            changed=self.told.append,
        )
        return LeavingLoop(rounds, clock=lambda: self.now)


def held(**changes):
    segment = {"stages": ["train"], "instanceType": "small", "attempt": 1, "held": True, **changes}
    return {"state": "Queued", "attempts": 1, "segments": [segment]}


@pytest.fixture
def world(observed, spec, trial):
    study: StudyView = observed(of=spec(workers={"lookAhead": "Pod"})).study
    return World(study, {"s-0-2": trial(2, status=held())})


def test_news_are_told_once(world):
    loop = world.loop()
    asyncio.run(loop.once())
    assert (world.reads, world.told) == (1, [])
    world.leaving = frozenset({("s-0-0", 1)})
    for _ in range(2):
        asyncio.run(loop.once())
    assert world.told == [KEY]
    assert world.facts.logs[KEY][1].leaving == world.leaving


def test_nobody_looks_where_no_pod_waits(world, spec, trial):
    for status in (held(held=None), held(endTime="2026-01-01T00:00:00Z"), {}):
        world.trials = {"s-0-2": trial(2, status=status)}
        asyncio.run(world.loop().once())
    world.trials = {"s-0-2": trial(2, status=held())}
    world.study = replace(world.study, spec=spec(workers={"lookAhead": "Trial"}))
    asyncio.run(world.loop().once())
    assert world.reads == 0


def test_a_store_that_is_away_is_let_rest(world):
    loop = world.loop()
    world.error = StoreUnreachable("gone fishing")
    for _ in range(3):
        asyncio.run(loop.once())
        world.now += LOOK_SECONDS
    assert world.reads == 1
    world.error, world.now = None, REST_SECONDS
    asyncio.run(loop.once())
    assert world.reads == 2
    assert world.told == []
