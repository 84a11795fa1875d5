"""Changes of scale of targets before a model sees them, each undone where it can be.

Everything is minimised: small targets are the good ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]


FAR = 4.0
"""Units from the median at which the far tail starts."""

_LARGEST_EXPONENT = 300.0


@dataclass(frozen=True, slots=True)
class Standardize:
    """Mean 0, standard deviation 1; targets that do not vary are only centred."""

    centre: float
    unit: float

    @classmethod
    def of(cls, y: Array) -> Standardize:
        """The warp for targets (n,)."""
        unit = float(y.std(ddof=1)) if len(y) > 1 else 0.0
        centre = float(y.mean())
        return cls(centre, unit if unit > 1e-12 * max(abs(centre), 1e-300) else 1.0)

    def transform(self, y: Array) -> Array:
        """(y - centre) / unit."""
        return (y - self.centre) / self.unit

    def inverse(self, z: Array) -> Array:
        """Back to the targets' scale."""
        return self.centre + self.unit * z


@dataclass(frozen=True, slots=True)
class Logarithm:
    """Natural logarithm of positive targets, such as seconds and dollars.

    Attributes:
        least: Smaller targets count as this one.
    """

    least: float

    @classmethod
    def of(cls, y: Array) -> Logarithm:
        """The warp for targets (n,): from a millionth of the median of the positive ones."""
        positive = y[y > 0.0]
        return cls(1e-6 * float(np.median(positive)) if len(positive) else 1e-6)

    def transform(self, y: Array) -> Array:
        """The logarithm of max(y, least)."""
        return np.log(np.maximum(y, self.least))

    def inverse(self, z: Array) -> Array:
        """The exponential."""
        return np.exp(z)


@dataclass(frozen=True, slots=True)
class BadHalf:
    """Targets worse than the median, however bad, are drawn in by their rank.

    Better ones are kept as they are, so that differences between good configurations keep their
    size. The k-th quantile above the median becomes median + unit * (normal quantile), unit being
    the root mean square of the better half below the median: what a normal distribution with the
    better half's spread would have shown. A divergence or a penalty then cannot set the scale of
    the model (the idea is in Song et al. 2024, "The Vizier Gaussian process bandit algorithm").

    Attributes:
        given: Knots from the median up in the targets' scale, rising.
        warped: The same knots warped, rising.
    """

    given: Array
    warped: Array

    @classmethod
    def of(cls, y: Array) -> BadHalf:
        """The warp for targets (n,)."""
        median = float(np.median(y))
        values, counts = np.unique(y, return_counts=True)
        # mid-ranks, so that the median is the quantile 0
        quantile = (np.cumsum(counts) - 0.5 * counts) / len(y)
        above = (values > median) & (quantile > 0.5)
        better = y[y < median] - median
        unit = math.sqrt(float((better**2).mean())) if len(better) else 0.0
        if unit == 0.0:
            unit = float(np.ptp(y)) or 1.0
        warped = np.concatenate([[median], median + unit * ndtri(quantile[above])])
        given = np.concatenate([[median], values[above]])
        # never away from the median: a light tail is kept as it is
        return cls(given, np.minimum(given, warped))

    def transform(self, y: Array) -> Array:
        """Linear between the knots and, with slope 1, beyond them."""
        return _piecewise(y, self.given, self.warped)

    def inverse(self, z: Array) -> Array:
        """Back to the targets' scale."""
        return _piecewise(z, self.warped, self.given)


@dataclass(frozen=True, slots=True)
class FarTail:
    """Targets far worse than the median are drawn in by their logarithm, the others kept.

    Where trade-offs between objectives count, the bad half of one may hold the best of another:
    only divergences and penalties, beyond median + `FAR` units, must not set the model's scale. A
    unit is the root mean square of the better half below the median.

    Attributes:
        start: Where the tail starts, in the targets' scale.
        unit: Of the logarithm, above zero.
    """

    start: float
    unit: float

    @classmethod
    def of(cls, y: Array) -> FarTail:
        """The warp for targets (n,)."""
        median = float(np.median(y))
        better = y[y < median] - median
        unit = math.sqrt(float((better**2).mean())) if len(better) else 0.0
        unit = unit or float(np.ptp(y)) or 1.0
        return cls(median + FAR * unit, unit)

    def transform(self, y: Array) -> Array:
        """The targets with the tail drawn in; of slope 1 where it starts."""
        beyond = np.maximum(y - self.start, 0.0)
        return np.minimum(y, self.start) + self.unit * np.log1p(beyond / self.unit)

    def inverse(self, z: Array) -> Array:
        """Back to the targets' scale; no farther than numbers reach."""
        beyond = np.minimum(np.maximum(z - self.start, 0.0) / self.unit, _LARGEST_EXPONENT)
        return np.minimum(z, self.start) + self.unit * np.expm1(beyond)


def normal_scores(y: Array) -> Array:
    """Ranks as quantiles of the normal distribution: the Gaussian copula's margin, shape (n,).

    z = Phi^-1(clip((rank - 1/2) / n, d, 1 - d)) with d = 1 / (4 n^(1/4) sqrt(pi log n)) (Salinas,
    Shen and Perrone 2020, "A quantile-based approach for hyperparameter transfer learning", with
    mid-ranks, so that scores are symmetric; the truncation is that of Liu, Lafferty and Wasserman
    2009). Ties share their mean rank. A single target has score 0.
    """
    n = len(y)
    if n < 2:
        return np.zeros(n)
    delta = 1.0 / (4.0 * n**0.25 * math.sqrt(math.pi * math.log(n)))
    _, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - 0.5 * (counts - 1.0)
    quantile = (mean_rank[place] - 0.5) / n
    return np.asarray(ndtri(np.clip(quantile, delta, 1.0 - delta)))


def _piecewise(x: Array, at: Array, to: Array) -> Array:
    """The identity below at[0], linear between knots, of slope 1 beyond the last."""
    inside = np.interp(x, at, to)
    return np.where(x <= at[0], x, np.where(x > at[-1], to[-1] + (x - at[-1]), inside))
