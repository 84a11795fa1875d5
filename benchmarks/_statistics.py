"""Paired comparisons over seeds: bootstrap intervals, win/tie/loss, the sign test.

Intervals are percentile bootstrap intervals of 95 %; what is paired is resampled together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]

MIDDLES: dict[str, Statistic] = {
    "mean": lambda rows: np.asarray(np.mean(rows, -1)),
    "median": lambda rows: np.asarray(np.median(rows, -1)),
}

RESAMPLES = 5000
LEVELS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """As `Figure` takes it."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class WinTieLoss:
    """How often ours was better, as good, worse, and how likely that is by chance.

    Attributes:
        wins: Pairs in which ours is better.
        ties: Pairs within the tolerance.
        losses: Pairs in which ours is worse.
        p: Two-sided sign test; ties are left out.
    """

    wins: int
    ties: int
    losses: int
    p: float


def mean(samples: Sequence[float], *, seed: int = 0) -> Estimate:
    """The mean of samples (n,)."""
    return _estimate(MIDDLES["mean"], samples, seed=seed)


def median(samples: Sequence[float], *, seed: int = 0) -> Estimate:
    """The median of samples (n,); samples may be infinite."""
    return _estimate(MIDDLES["median"], samples, seed=seed)


def ratio(
    ours: Sequence[float], theirs: Sequence[float], *, of: str = "mean", seed: int = 0
) -> Estimate:
    """Ratio of the means or medians of pairs, (n,) each.

    Args:
        ours: The numerator, by seed.
        theirs: The denominator, by seed.
        of: "mean" or "median"; or "each" for the median of the pairs' own ratios.
        seed: Of the bootstrap.
    """
    if of == "each":
        return median(np.asarray(ours) / np.asarray(theirs), seed=seed)
    return _paired(lambda a, b: MIDDLES[of](a) / MIDDLES[of](b), ours, theirs, seed=seed)


def difference(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Estimate:
    """Mean difference of pairs, (n,) each."""
    return mean(np.asarray(ours) - np.asarray(theirs), seed=seed)


def win_tie_loss(
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    minimize: bool = True,
    tolerance: float = 0.0,
) -> WinTieLoss:
    """Compares pair by pair.

    Args:
        ours: By seed.
        theirs: By seed.
        minimize: Whether lower is better.
        tolerance: Pairs closer than this share of theirs are ties.
    """
    a, b = _pairs(ours, theirs)
    with np.errstate(invalid="ignore"):
        gap = (b - a) if minimize else (a - b)
    # Two runs that never got there are as good as each other.
    gap = np.where(a == b, 0.0, gap)
    room = tolerance * np.abs(np.where(np.isfinite(b), b, 0.0))
    wins, losses = int(np.sum(gap > room)), int(np.sum(gap < -room))
    p = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    return WinTieLoss(wins, len(a) - wins - losses, losses, float(p))


def _estimate(statistic: Statistic, samples: Sequence[float], *, seed: int) -> Estimate:
    values = np.asarray(samples, dtype=float)
    return _interval(statistic(values), statistic(values[_draws(len(values), seed)]))


def _paired(
    statistic: Callable[[Array, Array], Array],
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    seed: int,
) -> Estimate:
    a, b = _pairs(ours, theirs)
    rows = _draws(len(a), seed)
    return _interval(statistic(a, b), statistic(a[rows], b[rows]))


def _pairs(ours: Sequence[float], theirs: Sequence[float]) -> tuple[Array, Array]:
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape or not len(a):
        raise ValueError(f"pairs of {len(a)} and {len(b)} samples")
    return a, b


def _draws(count: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))


def _interval(value: Array, resampled: Array) -> Estimate:
    # Sorted, not interpolated: samples may be infinite.
    ordered = np.sort(resampled)
    low, high = (ordered[round(level * (RESAMPLES - 1))] for level in LEVELS)
    return Estimate(float(value), float(low), float(high))
