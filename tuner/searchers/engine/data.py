"""From the study log to the rows that models learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tuner.surrogates.points import Points


@dataclass(frozen=True, slots=True)
class Rows:
    """What one model learns from: values at points of the study's trials.

    Attributes:
        trial: Index of each row's trial, shape (r,).
        fidelity: Fraction of full fidelity, shape (r,).
        value: What was observed, shape (r,).
    """

    trial: NDArray[np.intp]
    fidelity: NDArray[np.float64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.trial)

    def first(self, count: int) -> Rows:
        """The rows that were there when there were `count` of them."""
        return Rows(self.trial[:count], self.fidelity[:count], self.value[:count])

    def at(self, which: NDArray[np.intp]) -> Rows:
        """Some of the rows, by their indices."""
        return Rows(self.trial[which], self.fidelity[which], self.value[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyData:
    """A study's history as arrays; trials are in the log's order.

    Attributes:
        names: Names of the N trials.
        points: Where they lie, at full fidelity; N rows.
        metrics: Rows of each metric, sign * value, in the log's order.
        times: Rows of each stage, log seconds of first runs, in the log's order.
        full: Which trials were observed at full fidelity, shape (N,).
        is_open: Which trials have not ended, shape (N,).
        waits: Which of them wait at a rung, shape (N,).
        failed: Which trials failed by their own doing, shape (N,).
        stored: How many leading stages of each trial have their artifact in the cache, shape (N,).
        restore_seconds: What taking a stage's artifact from the cache took of late, median by
            stage; NaN where that never happened.
        fidelity: The fraction of full fidelity that each trial reached, shape (N,).
        objectives: To minimise, as observed at full fidelity: sign * value of metrics, natural
            logs of dollars and seconds; NaN where there is none, shape (N, M).
        paid: What each trial has been charged, USD or seconds, shape (N,).
        basis: In a study too long to be told in full, the trials whose scales stand for all, shape
            (N,); else empty.
    """

    names: tuple[str, ...]
    points: Points
    metrics: tuple[Rows, ...]
    times: tuple[Rows, ...]
    full: NDArray[np.bool_]
    is_open: NDArray[np.bool_]
    waits: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    stored: NDArray[np.intp]
    restore_seconds: NDArray[np.float64]
    fidelity: NDArray[np.float64]
    objectives: NDArray[np.float64]
    paid: NDArray[np.float64]
    basis: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    @property
    def runs(self) -> NDArray[np.bool_]:
        """Which trials will show more without anybody's doing, shape (N,).

        Of those that wait at a rung about one in the reduction factor ever goes on.
        """
        return self.is_open & ~self.waits

    @property
    def is_partial(self) -> bool:
        """Whether trials are left out."""
        return bool(len(self.basis))

    def __len__(self) -> int:
        return len(self.names)
