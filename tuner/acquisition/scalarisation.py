"""Hypervolume improvement by random scalarisations, for more objectives than a grid can hold.

The volume that a set dominates is a mean over directions w on the positive part of the unit sphere
(Golovin & Zhang 2020, "Random Hypervolume Scalarizations for Provable Multi-Objective Black Box
Optimization", lemma 5):

    volume = c_M * E[ max over points y of s_w(y)^M ],    s_w(y) = min over m of (r_m - y_m)+ / w_m,
    c_M    = pi^(M/2) / (2^M * Gamma(M/2 + 1)).

M objectives, all minimised; D directions; n points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.sampling import sobol_normal

DIRECTIONS = 128
"""How many directions the mean is taken over."""

CHUNK = 1 << 15
"""Doubles in one temporary: a few of them fit into a core's cache."""

_SEED = 0
"""The directions are a rule of quadrature: the same for all fronts, studies and workers."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalarisations:
    """A front as seen from many directions.

    Attributes:
        reference: Shape (M,).
        inverse: 1 / (direction * scale), shape (M, D).
        reached: How far the front reaches in each direction, to the power of M, shape (D,).
        constant: What a mean over directions is multiplied by to be a volume.
    """

    reference: NDArray[np.float64]
    inverse: NDArray[np.float64]
    reached: NDArray[np.float64]
    constant: float

    @classmethod
    def of(
        cls,
        front: NDArray[np.float64],
        *,
        reference: NDArray[np.float64],
        scale: NDArray[np.float64],
        directions: int = DIRECTIONS,
    ) -> Scalarisations:
        """The scalarisations of a front.

        Args:
            front: Points better than the reference in every objective, shape (k, M).
            reference: Shape (M,).
            scale: Units in which objectives are comparable, shape (M,).
            directions: How many directions; a power of two is best.
        """
        size = len(reference)
        normal = np.abs(sobol_normal(directions, size, rng=np.random.default_rng(_SEED)))
        unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
        inverse = 1.0 / (unit * scale).T
        sphere = math.pi ** (size / 2) / (2**size * math.gamma(size / 2 + 1))
        empty = cls(reference, inverse, np.zeros(directions), sphere * float(np.prod(scale)))
        reached = np.max(empty.powers(front), axis=0, initial=0.0)
        return cls(reference, inverse, reached, empty.constant)

    def improvement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much volume each point adds, about: (n, M) -> (n,)."""
        result = np.empty(len(points))
        step = max(1, CHUNK // len(self.reached))
        for start in range(0, len(points), step):
            beyond = self.powers(points[start : start + step]) - self.reached
            result[start : start + step] = np.maximum(beyond, 0.0, out=beyond).mean(axis=1)
        return self.constant * result

    def powers(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """s_w(y)^M of points in every direction: (n, M) -> (n, D)."""
        room = np.maximum(self.reference - points, 0.0)
        reach = room[:, 0, None] * self.inverse[0]
        for m in range(1, len(self.reference)):
            np.minimum(reach, room[:, m, None] * self.inverse[m], out=reach)
        return _power(reach, len(self.reference))


def _power(base: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """base^exponent by products, ten times as fast as by logarithms."""
    result = base.copy()
    for _ in range(exponent - 1):
        result *= base
    return result
