"""Means over samples, computed in logarithms. S samples, C candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_mean_exp(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of the mean of exp(logs): (S, C) -> (C,); -inf counts as log 0."""
    top = np.max(logs, axis=0)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.mean(np.exp(logs - shift), axis=0)) + shift, dtype=np.float64)


def log_gain_per_spend(
    improvement: NDArray[np.float64], spend: NDArray[np.float64], *, eta: float
) -> NDArray[np.float64]:
    """The logarithm of the mean over samples of improvement * spend^-eta, shape (C,).

    Gain and spend of one sample belong together: a configuration that is only good where it is
    also slow is worth less than the product of two means says. -inf where no sample improves;
    `FrontBoxes.smoothed` gives improvements for which that cannot be.

    Args:
        improvement: What each sample of each candidate gains, not negative, shape (S, C).
        spend: What each sample of each candidate spends, positive, shape (S, C).
        eta: The cooled exponent, from `tuner.acquisition.cooling`.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(improvement)
    return log_mean_exp(logs - eta * np.log(spend) if eta else logs)
