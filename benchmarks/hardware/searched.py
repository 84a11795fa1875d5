"""Searchers on a table, through the product's worker, log, rungs and simulated backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.hardware.steps import Step, Steps, priced, steps_of
from benchmarks.problems.protocol import Declared, Values
from benchmarks.problems.tables import Table
from benchmarks.simulate import Budget, Context, SearcherFactory, run
from tuner.searchers import History, Searcher, Suggestion
from tuner.searchers.joint import Configuration

Goal = Callable[[Sequence[Step]], bool]

MARGIN = 1.25
"""The study may spend so much more than is looked at: its last trials would not be admitted."""


class Reached(Exception):
    """What the run was for has been reached."""


@dataclass
class Recorder:
    """A table that notes which rows reach which level, and what proposals took, in order.

    Attributes:
        table: The table.
        until: Whether a run with these rows in full has reached what it was for.
        steps: Rows and levels, in the order in which they were reached.
        proposals: CPU seconds since the run began, up to each step.
        thought: CPU seconds of proposals so far.
    """

    table: Table
    until: Goal | None = None
    steps: list[Step] = field(default_factory=list)
    proposals: list[float] = field(default_factory=list)
    thought: float = 0.0
    _reached: set[Step] = field(default_factory=set)

    @property
    def declared(self) -> Declared:
        """See `Problem`."""
        return self.table.declared

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """See `Problem`."""
        return self.table.seconds(stage, parameters, instance_type=instance_type, fidelity=fidelity)

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """See `Problem`; the simulator asks when the level has been reached."""
        top = len(self.table.levels) - 1
        level = top if self.declared.fidelity is None else self.table.level(fidelity)
        step = (self.table.row(parameters, instance_type), level)
        # A trial that goes on from a rung asks again for what it has reached.
        if level == top or step not in self._reached:
            self._reached.add(step)
            self.steps.append(step)
            self.proposals.append(self.thought)
            if self.until is not None and self.until(self.steps):
                raise Reached
        return self.table.metrics(stage, parameters, instance_type=instance_type, fidelity=fidelity)

    def told(self) -> Steps:
        """What ran, priced as for everybody; proposals pay for the smallest machine's time."""
        return steps_of(self._told())

    def _told(self) -> Iterator[tuple[int, int, float, float]]:
        usd = seconds = 0.0
        worker = float(self.table.price_per_second.min())
        walked = zip(priced(self.table, self.steps), self.proposals, strict=True)
        for (row, level, taken), thought in walked:
            usd += taken * float(self.table.price_per_second[row])
            seconds += taken
            yield row, level, usd + thought * worker, seconds + thought


@dataclass
class Timed:
    """A searcher whose proposals are timed.

    Attributes:
        searcher: Whose.
        recorder: Where the seconds go.
    """

    searcher: Searcher
    recorder: Recorder

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """See `Searcher`."""
        began = time.process_time()
        answer = self.searcher.suggest(history, number=number, rng=rng)
        self.recorder.thought += time.process_time() - began
        return answer


def searched(
    table: Table,
    factory: SearcherFactory,
    *,
    seed: int,
    budget_usd: float,
    scheduler: Mapping[str, Any] | None = None,
    max_trials: int | None = None,
    start: list[Configuration] | None = None,
    prior: object | None = None,
    until: Goal | None = None,
) -> Steps:
    """Runs a searcher on a table, one trial at a time.

    Args:
        table: The problem.
        factory: Makes the searcher.
        seed: Of the run.
        budget_usd: What may be spent; what ends later does not count.
        scheduler: `spec.scheduler`; by default every trial runs in full.
        max_trials: At most so many.
        start: Configurations that come first.
        prior: What the searcher is given of earlier studies.
        until: When to stop: the rest would not be looked at.
    """
    recorder = Recorder(table, until)

    def timed(context: Context) -> Searcher:
        return Timed(factory(context), recorder)

    with suppress(Reached):
        run(
            recorder,
            timed,
            seed=seed,
            budget=Budget(usd=budget_usd * MARGIN, trials=max_trials),
            cache=False,
            warm_up=start or 0,
            prior=prior,
            extra={"scheduler": dict(scheduler or {"type": "None"})},
        )
    return recorder.told().until(budget_usd)
