"""Joint draws of a process at many inputs: the same function at all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from tuner.errors import SurrogateError

Array = NDArray[np.float64]

_FIRST_JITTER, _LAST_JITTER = 1e-10, 1e-2


def drawn(mean: Array, covariance: Array, z: Array) -> Array:
    """R draws of a normal vector, shape (R, n): mean + L z with L L' = covariance.

    Inputs that are nearly the same make a covariance that has no factor; jitter on the diagonal
    grows until there is one.

    Args:
        mean: Shape (n,).
        covariance: Shape (n, n); its diagonal is overwritten.
        z: Independent standard normal numbers, shape (R, n).

    Raises:
        SurrogateError: There is no factor with a hundredth of the mean variance as jitter.
    """
    if not len(mean):
        return z[:, :0]
    diagonal = np.diagonal(covariance).copy()
    scale = max(float(diagonal.mean()), float(np.finfo(np.float64).tiny))
    jitter = _FIRST_JITTER
    while jitter <= _LAST_JITTER:
        covariance.flat[:: len(covariance) + 1] = diagonal + jitter * scale
        factor, info = lapack.dpotrf(covariance, lower=1, clean=1)
        if info == 0:
            return np.asarray(mean + z @ factor.T)
        jitter *= 10.0
    raise SurrogateError("a posterior's covariance cannot be factorised")
