"""What is simulated: evaluations, delays, faults; and what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

HORIZON_SECONDS = 7_200.0
"""The authors' window: what has not ended by then counts up to there."""

Draw = Callable[[np.random.Generator], float]
"""Draws an evaluation's seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds that are no evaluation and no proposal.

    Attributes:
        put: Writing a record: until the store has acknowledged it.
        sync: Reading what is new in the log, without the CPU seconds of decoding it.
        notice: From an evaluation's end to the worker that looks after it.
        begin: From a proposal's record to the beginning of the evaluation: a pod's start, if there
            is a pod.
    """

    put: float
    sync: float
    notice: float = 0.0
    begin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """CPU seconds of a worker.

    Attributes:
        proposal: By the number of trials that were proposed so far.
        reading: For each trial that is new to it.
        restart: Of a process, its first reading of the whole log left out.
        first_reading: For each trial of the log, when it is read for the first time.
    """

    proposal: Callable[[int], float]
    reading: float = 0.0
    restart: float = 0.0
    first_reading: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong.

    Attributes:
        deaths: (worker, seconds): its process and what it evaluates are lost.
        dead_seconds: Until the process is there again.
        away: From when to when the store does not answer.
        retry_seconds: Whoever waits for it asks again at least so often.
    """

    deaths: Sequence[tuple[int, float]] = ()
    dead_seconds: float = 0.0
    away: tuple[float, float] | None = None
    retry_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One run.

    Attributes:
        places: How many evaluations run at a time: the authors' workers.
        draw: An evaluation's seconds.
        delays: See there.
        costs: See there.
        places_per_worker: How many one process looks after.
        look_ahead: Whether a worker computes its next proposal while evaluations run.
        free_until: Proposals cost nothing before so many results are there.
        faults: See there.
        horizon: Seconds.
        seed: Of the evaluations.
    """

    places: int
    draw: Draw
    delays: Delays
    costs: Costs
    places_per_worker: int = 1
    look_ahead: bool = False
    free_until: int = 0
    faults: Faults = Faults()
    horizon: float = HORIZON_SECONDS
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        utilization: Busy seconds within the horizon over places times horizon.
        finished: Evaluations that ended within the horizon.
        proposed: Proposals that were written down.
        lost: Evaluations that were cut and never ended, though there was time.
        twice: Evaluations that ended more than once.
        repeated: Busy seconds of evaluations that were cut, as a share like `utilization`.
        proposal_seconds: CPU seconds of a proposal, mean.
        reading_seconds: CPU seconds of reading before a proposal, mean.
    """

    utilization: float
    finished: int
    proposed: int
    lost: int = 0
    twice: int = 0
    repeated: float = 0.0
    proposal_seconds: float = 0.0
    reading_seconds: float = 0.0


def constant(seconds: float) -> Draw:
    """Always as long."""
    return lambda rng: seconds


def lognormal(mean: float, *, sigma: float) -> Draw:
    """Of a given mean; sigma is the standard deviation of the logarithm."""
    middle = math.log(mean) - sigma**2 / 2
    return lambda rng: float(rng.lognormal(middle, sigma))


def normal(mean: float, sd: float, *, least: float = 1.0) -> Draw:
    """Cut off below."""
    return lambda rng: max(least, float(rng.normal(mean, sd)))


def interpolated(points: Sequence[tuple[int, float]]) -> Callable[[int], float]:
    """Linear in the logarithm of the count between measured points, constant beyond them."""
    counts = np.log([max(count, 1) for count, _ in points])
    values = np.array([value for _, value in points])
    return lambda count: float(np.interp(math.log(max(count, 1)), counts, values))
