"""Asks, tells, reports, failures and mistakes in any order keep the log in one piece."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tuner.ask_tell import NotTold, Optimizer, StudyEnded
from tuner.study.chronicle import Chronicle

MAX_TRIALS = 12
CONFIGURATIONS = 4 * 2 * 2
LOSSES = st.integers(0, 5).map(float)
PRICES = {"small": 1.0, "large": 3.0}
SECONDS = st.fixed_dictionaries({"prepare": st.floats(0, 100), "train": st.floats(0, 100)})


def optimizer():
    return Optimizer(
        parameters={
            "words": {"ordinal": {"values": [1, 2, 3, 4]}},
            "kind": {"categorical": {"choices": ["a", "b"]}},
        },
        objectives={"loss": "Minimize", "speed": "Maximize", "cost": "Minimize"},
        stages={"prepare": {"parameters": ["words"]}, "train": {}},
        instance_types={name: {"pricePerHour": price} for name, price in PRICES.items()},
        fidelity={"name": "epoch", "max": 9},
        budget={"maxTrials": MAX_TRIALS},
        searcher="Random",
        seed=3,
    )


def dominates(one, other):
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def identities(opt):
    return [one.logical_id for one in opt._opened.log.read_all()]


class Loop(RuleBasedStateMachine):
    """Everything that a caller may do, beside a plain record of what should have come of it."""

    trials = Bundle("trials")

    def __init__(self):
        super().__init__()
        self.opt = optimizer()
        self.calls = []
        self.open = {}
        self.told = {}
        self.stopped, self.failed, self.cancelled = set(), set(), set()

    def do(self, method, *arguments, **fields):
        self.calls.append((method, arguments, fields))
        return getattr(self.opt, method)(*arguments, **fields)

    @rule(target=trials)
    def ask(self):
        try:
            trial = self.do("ask")
        except StudyEnded:
            asked = len(self.open) + len(self.told) + len(self.stopped) + len(self.failed)
            alike = len(self.failed) >= 3
            assert asked == MAX_TRIALS or alike or asked + len(self.cancelled) == CONFIGURATIONS
            return None
        assert trial.name not in {*self.open, *self.told, *self.stopped, *self.failed}
        self.open[trial.name] = trial
        return trial

    @rule(trial=consumes(trials), loss=LOSSES, speed=LOSSES, seconds=SECONDS)
    def tell(self, trial, loss, speed, seconds):
        if trial is None or trial.name not in self.open:
            return
        self.do("tell", trial, {"loss": loss, "speed": speed}, stage_seconds=seconds)
        del self.open[trial.name]
        price = PRICES[trial.instance_types["train"]]
        cost = (seconds["prepare"] * price / 3600) + (seconds["train"] * price / 3600)
        self.told[trial.name] = (loss, -speed, cost)

    @rule(trial=trials, epoch=st.integers(1, 9), loss=LOSSES | st.just(math.nan), seconds=SECONDS)
    def report(self, trial, epoch, loss, seconds):
        if trial is None or trial.name not in self.open:
            return
        metrics = {"loss": loss, "speed": 1.0}
        if not self.do("report", trial, epoch, metrics, stage_seconds=seconds):
            del self.open[trial.name]
            self.stopped.add(trial.name)

    @rule(trial=consumes(trials), cause=st.sampled_from(["out of memory", "lost", "nan"]))
    def fail(self, trial, cause):
        if trial is None or trial.name not in self.open:
            return
        self.do("fail", trial, cause)
        del self.open[trial.name]
        self.failed.add(trial.name)

    @rule(trial=consumes(trials))
    def cancel(self, trial):
        if trial is None or trial.name not in self.open:
            return
        self.do("cancel", trial)
        del self.open[trial.name]
        self.cancelled.add(trial.name)

    @rule(
        trial=trials,
        told=st.sampled_from(
            [
                ({"loss": 1.0}, {"prepare": 1, "train": 1}),
                ({"loss": math.inf, "speed": 1}, {"prepare": 1, "train": 1}),
                ({"loss": 1, "speed": 1}, {"train": 1}),
                ({"loss": 1, "speed": 1}, {}),
                ({"loss": 1, "speed": 1, "runtime": 3}, {"prepare": 1, "train": 1}),
            ]
        ),
    )
    def mistake(self, trial, told):
        if trial is None:
            return
        before = self.opt._opened.log.read_all()
        metrics, seconds = told
        try:
            self.opt.tell(trial, metrics, stage_seconds=seconds)
        except NotTold:
            assert self.opt._opened.log.read_all() == before
        else:
            raise AssertionError(f"{told} was taken in")

    @invariant()
    def counts_add_up(self):
        counts = self.opt.summary().counts
        assert counts.completed == len(self.told)
        assert counts.stopped == len(self.stopped)
        assert counts.failed == len(self.failed)
        assert counts.queued + counts.running == len(self.open)
        assert counts.total - len(self.cancelled) <= MAX_TRIALS

    @invariant()
    def the_front_is_what_nothing_told_dominates(self):
        front = {point.trial for point in self.opt.front()}
        assert front == {
            name
            for name, mine in self.told.items()
            if not any(dominates(other, mine) for other in self.told.values())
        }
        best = min((loss for loss, *_ in self.told.values()), default=None)
        assert best == (self.opt.best and self.opt.best.objectives["loss"])

    @invariant()
    def nothing_is_proposed_twice(self):
        stories = self.opt._desk.view.chronicle.stories
        keys = [
            (tuple(one.trial.parameters.items()), tuple(one.trial.instance_types.items()))
            for one in stories
        ]
        assert len(set(keys)) == len(keys)

    def teardown(self):
        """The same calls make the same log, and a reader of the log sees what the caller sees."""
        again = optimizer()
        for method, arguments, fields in self.calls:
            try:
                getattr(again, method)(*arguments, **fields)
            except StudyEnded:
                continue
        assert identities(self.opt) == identities(again)
        chronicle = Chronicle()
        chronicle.add(self.opt._opened.log.read_all())
        proposals = [one.trial for one in chronicle.stories]
        assert proposals == [one.trial for one in again._desk.view.chronicle.stories]


Loop.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestInterleavings = Loop.TestCase
