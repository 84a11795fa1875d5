"""Quasi-random draws: fewer samples for the same error of a mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_EDGE = 2.0**-54
"""Half a step of the sequence's grid of doubles: the normal quantile of 0 is no number."""


def sobol_uniform(count: int, dim: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """The first points of a Sobol sequence with Owen's scrambling, in [0, 1), shape (count, dim).

    Args:
        count: How many points.
        dim: Coordinates of a point.
        rng: Scrambles the sequence.
    """
    # scipy.stats takes a second to import, and a worker should start within one.
    from scipy.stats.qmc import Sobol

    if count < 1 or dim < 1:
        return np.empty((max(count, 0), max(dim, 0)))
    # The sequence warns of a count that is not a power of two; its beginning is what is wanted.
    points = Sobol(dim, scramble=True, rng=rng).random_base2((count - 1).bit_length())
    return np.asarray(points[:count], dtype=np.float64)


def sobol_normal(count: int, dim: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Independent standard normal draws that fill their space evenly, shape (count, dim).

    Each of the `dim` columns is a dimension of the sequence: draws of different columns are
    independent.

    Args:
        count: How many draws; a power of two is best.
        dim: How many independent variables.
        rng: Scrambles the sequence.
    """
    uniform = sobol_uniform(count, dim, rng=rng)
    return np.asarray(ndtri(np.clip(uniform, _EDGE, 1.0 - _EDGE)), dtype=np.float64)
