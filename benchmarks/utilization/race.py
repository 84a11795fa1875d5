"""Many places evaluate one function in virtual time; who proposes for them is what is compared."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.problems.standard import STAGE, Standard
from benchmarks.utilization.setting import Draw
from tuner.searchers import History, Suggestion
from tuner.trial import Observation, Trial

WRITE_SECONDS = 0.1
"""From the end of an evaluation to its record in the log, and as long from a proposal to its
start."""


class Proposer(Protocol):
    """Proposes for one place, or, as a manager, for all."""

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """See `Searcher`."""


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluation that ended: seconds since the start, and its value."""

    seconds: float
    value: float


@dataclass(slots=True)
class _Board:
    """What is in the log, as far as time has come."""

    trials: list[Trial] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    coming: list[tuple[float, str, float]] = field(default_factory=list)

    def history(self, now: float) -> History:
        """As it is read at a time."""
        while self.coming and self.coming[0][0] + WRITE_SECONDS <= now:
            _, name, value = heapq.heappop(self.coming)
            self.running.discard(name)
            self.observations.append(
                Observation(trial=name, fidelity=1.0, metrics={"f0": value}, full=True)
            )
        return History(
            trials=tuple(self.trials),
            observations=tuple(self.observations),
            open_trials=frozenset(self.running),
            started=len(self.trials),
            elapsed_seconds=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One run.

    Attributes:
        problem: What is evaluated.
        places: How many evaluate at a time.
        draw: An evaluation's seconds.
        horizon: Seconds.
        seed: Of evaluations and proposals.
        instance_type: On which.
    """

    problem: Standard
    places: int
    draw: Draw
    horizon: float
    seed: int
    instance_type: str

    def run(
        self, proposers: Sequence[Proposer], *, seconds: float | None = None
    ) -> tuple[list[Point], float]:
        """Evaluates until time is up.

        Args:
            proposers: One a place, or one for all.
            seconds: What a proposal is charged; None for the CPU seconds that it took.

        Returns:
            The evaluations in the order of their ends, and the utilisation.
        """
        rng = np.random.default_rng([self.seed, self.places])
        board, points, busy = _Board(), [], 0.0
        free = [(0.0, place) for place in range(self.places)]
        idle_from = [0.0] * len(proposers)
        numbers = [0] * len(proposers)
        while True:
            ready, place = heapq.heappop(free)
            who = place % len(proposers)
            start = max(ready, idle_from[who])
            if start >= self.horizon:
                break
            name = f"race-{who}-{numbers[who]}"
            began = time.process_time()
            found = proposers[who].suggest(
                board.history(start),
                number=numbers[who],
                rng=np.random.default_rng([self.seed, who, numbers[who]]),
            )
            if found is None:
                raise RuntimeError("nothing was proposed")
            taken = time.process_time() - began if seconds is None else seconds
            idle_from[who] = start + taken
            begin = start + taken + WRITE_SECONDS
            end = begin + self.draw(rng)
            value = self._value(found)
            board.trials.append(
                Trial(name=name, worker=who, number=numbers[who], parameters=found.parameters,
                      instance_types={STAGE: self.instance_type}, why=found.why)
            )  # fmt: skip
            board.running.add(name)
            heapq.heappush(board.coming, (end, name, value))
            heapq.heappush(free, (end + WRITE_SECONDS, place))
            numbers[who] += 1
            busy += max(0.0, min(end, self.horizon) - begin)
            if end < self.horizon:
                points.append(Point(end, value))
        points.sort(key=lambda one: one.seconds)
        return points, busy / (self.places * self.horizon)

    def _value(self, found: Suggestion) -> float:
        metrics = self.problem.metrics(
            STAGE, found.parameters, instance_type=self.instance_type, fidelity=1.0
        )
        return metrics["f0"]


def regret_at(points: Sequence[Point], seconds: float, *, optimum: float) -> float:
    """Of the best evaluation that has ended by then; infinite before the first."""
    values = [one.value for one in points if one.seconds <= seconds]
    return max(min(values, default=math.inf) - optimum, 1e-9)
