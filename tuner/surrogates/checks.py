"""Refusals of numbers that no model can learn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError


def finite(
    X: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs (n, p) and targets (n,) as float64 arrays.

    Raises:
        SurrogateError: No row, shapes that do not fit, or a value that is not finite.
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise SurrogateError(f"inputs of shape {X.shape} and targets of shape {y.shape}")
    if not len(y):
        raise SurrogateError("a model needs at least one observation")
    for name, values in (("an input", X), ("a target", y)):
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise SurrogateError(f"{name} in row {row} is not finite")
    return X, y
