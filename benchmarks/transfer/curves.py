"""From runs to figures: regret curves, evaluations to a regret, intervals over tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks._statistics import win_tie_loss
from benchmarks.transfer.case import EVALUATIONS
from benchmarks.transfer.tables import Array

Curves = Mapping[str, Array]
"""By method, the regret curve of each task, mean over seeds: shape (tasks, evaluations)."""

RESAMPLES = 2000
THRESHOLDS = (0.2, 0.1, 0.05, 0.02)
NEVER = EVALUATIONS + 1
"""Counts for a threshold that is not reached: a lower bound."""


def evaluations(curves: Array, threshold: float) -> int:
    """Evaluations until the mean regret over tasks is no larger; `NEVER` if it never is."""
    reached = np.flatnonzero(curves.mean(axis=0) <= threshold)
    return int(reached[0]) + 1 if len(reached) else NEVER


def area(curves: Array) -> float:
    """Sum over evaluations of the mean regret."""
    return float(curves.mean(axis=0).sum())


def interval(curves: Curves, statistic: Callable[[Curves], float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of a statistic, tasks resampled together for all methods."""
    rng = np.random.default_rng(0)
    count = len(next(iter(curves.values())))
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, count, count)
        values.append(statistic({name: each[drawn] for name, each in curves.items()}))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def summary(curves: Curves, *, ours: str) -> dict[str, dict[str, object]]:
    """What a table shows of each method."""
    mine = curves[ours].sum(axis=1)
    found: dict[str, dict[str, object]] = {}
    for name, each in curves.items():
        theirs = each.sum(axis=1)
        counted = win_tie_loss(mine.tolist(), theirs.tolist(), tolerance=0.02)
        found[name] = {
            "evaluations": {str(t): evaluations(each, t) for t in THRESHOLDS},
            "area": area(each),
            "areaInterval": interval({name: each}, lambda one: area(next(iter(one.values())))),
            "final": float(each[:, -1].mean()),
            "oursWinTieLoss": [counted.wins, counted.ties, counted.losses],
            "tasksWithin0.05": float((each[:, -1] <= 0.05).mean()),
        }
    return found
