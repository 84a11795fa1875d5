"""Expected improvement of a normal prediction, in closed form and stable in the tail.

Lower is better. With z = (best - mean) / sd,

    EI = sd * h(z),    h(z) = phi(z) + z * Phi(z).

Far in the tail h underflows, so its logarithm is taken of

    h(z) = phi(z) * (1 - t * R(t)),    t = -z,

where R = (1 - Phi) / phi is Mills' ratio (Ament et al. 2023, "Unexpected Improvements to Expected
Improvement for Bayesian Optimization", section 4). The factor in brackets loses digits as t grows;
beyond `SERIES` its asymptotic series takes over, whose first term left out is then below 1e-13 of
the sum. So log h keeps all but four or five digits at any z.

Means, deviations and what is returned have one shape, any; `best` broadcasts to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, ndtr

DIRECT = -1.0
"""From this z on h is computed as it is written."""

SERIES = 40.0
"""From this t on 1 - t R(t) is computed by its asymptotic series."""

FARTHEST = 1e150
"""|z| at most, so that its square is a number."""

_LOG_SQRT_TAU = 0.5 * np.log(2.0 * np.pi)
_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class LogImprovement:
    """The logarithm of the expected improvement, and what it does as the prediction changes.

    Attributes:
        value: log EI, any shape.
        by_mean: Derivative of `value` with respect to the mean, of the same shape.
        by_sd: Derivative of `value` with respect to the standard deviation, of the same shape.
    """

    value: NDArray[np.float64]
    by_mean: NDArray[np.float64]
    by_sd: NDArray[np.float64]


def expected_improvement(mean: ArrayLike, sd: ArrayLike, *, best: ArrayLike) -> NDArray[np.float64]:
    """E[max(best - f, 0)] for f normal (Jones et al. 1998, equation 15).

    Args:
        mean: Mean of f.
        sd: Standard deviation of f, not negative; 0 counts as next to nothing.
        best: The value to fall below.
    """
    z, sd = _standardised(mean, sd, best)
    return np.asarray(sd * np.exp(_terms(z).log_h), dtype=np.float64)


def log_expected_improvement(mean: ArrayLike, sd: ArrayLike, *, best: ArrayLike) -> LogImprovement:
    """The logarithm of E[max(best - f, 0)] for f normal, with its gradient.

    From EI's derivatives, -Phi(z) by the mean and phi(z) by the deviation, divided by EI.

    Args:
        mean: Mean of f.
        sd: Standard deviation of f, not negative; 0 counts as next to nothing.
        best: The value to fall below.
    """
    z, sd = _standardised(mean, sd, best)
    terms = _terms(z)
    with np.errstate(over="ignore"):
        return LogImprovement(
            value=np.log(sd) + terms.log_h,
            by_mean=-terms.slope / sd,
            by_sd=terms.density / sd,
        )


@dataclass(frozen=True, slots=True)
class _Terms:
    """log h, Phi / h and phi / h at some z."""

    log_h: NDArray[np.float64]
    slope: NDArray[np.float64]
    density: NDArray[np.float64]


def _standardised(
    mean: ArrayLike, sd: ArrayLike, best: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lead = np.asarray(best, dtype=np.float64) - np.asarray(mean, dtype=np.float64)
    least = np.maximum(np.abs(lead) / FARTHEST, _SMALLEST)
    deviation = np.maximum(np.asarray(sd, dtype=np.float64), least)
    return lead / deviation, deviation


def _terms(z: NDArray[np.float64]) -> _Terms:
    near, far = _near(np.maximum(z, DIRECT)), _tail(np.maximum(-z, -DIRECT))
    is_near = z >= DIRECT
    return _Terms(
        np.where(is_near, near.log_h, far.log_h),
        np.where(is_near, near.slope, far.slope),
        np.where(is_near, near.density, far.density),
    )


def _near(z: NDArray[np.float64]) -> _Terms:
    density = np.exp(-0.5 * z * z - _LOG_SQRT_TAU)
    below = ndtr(z)
    h = density + z * below
    return _Terms(np.log(h), below / h, density / h)


def _tail(t: NDArray[np.float64]) -> _Terms:
    ratio = np.sqrt(0.5 * np.pi) * erfcx(t / np.sqrt(2.0))
    bracket = np.where(t < SERIES, 1.0 - t * ratio, _series(np.maximum(t, SERIES)))
    return _Terms(-0.5 * t * t - _LOG_SQRT_TAU + np.log(bracket), ratio / bracket, 1.0 / bracket)


def _series(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - t R(t) = 1/t^2 - 3/t^4 + 15/t^6 - ..., the double factorials of the odd numbers."""
    inverse = 1.0 / t / t
    total = np.zeros_like(inverse)
    for coefficient in (-10395.0, 945.0, -105.0, 15.0, -3.0, 1.0):
        total = (total + coefficient) * inverse
    return total
