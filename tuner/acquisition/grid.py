"""The improvement of any point by interpolation between the corners of the front's boxes.

M objectives, all minimised; k points of the front; a grid of G = k + 2 corners an objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CORNERS = 1 << 22
"""Corners of a grid at most: 32 MiB, and a sweep of less than a tenth of a second."""

CHUNK = 1 << 13
"""Points at a time: what is computed for them stays in a core's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Volumes at the corners of the boxes into which a front's coordinates cut space.

    Attributes:
        axes: For each objective the corners' coordinates, rising, the reference last; the first
            lies below the front. Shapes (G_m,).
        corners: The improvement of every corner, flattened in C order.
    """

    axes: tuple[NDArray[np.float64], ...]
    corners: NDArray[np.float64]

    @staticmethod
    def most_points(objectives: int) -> int:
        """How many points a front may have, for all their corners to be held."""
        return int(MOST_CORNERS ** (1.0 / objectives) + 1e-9) - 2

    @classmethod
    def of(
        cls,
        front: NDArray[np.float64],
        *,
        reference: NDArray[np.float64],
        scale: NDArray[np.float64],
    ) -> Grid:
        """The grid of a front.

        Args:
            front: Points better than the reference in every objective, shape (k, M).
            reference: Shape (M,).
            scale: How far below the front, or the reference if it is empty, the first corner lies
                in each objective, shape (M,). Improvements beyond it are extrapolated, exactly.
        """
        axes = tuple(
            _axis(front[:, m], float(reference[m]), float(scale[m])) for m in range(len(reference))
        )
        return cls(axes, _volumes(axes, _free(axes, front)).ravel())

    def improvement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much volume each point adds: (n, M) -> (n,)."""
        result = np.empty(len(points))
        for start in range(0, len(points), CHUNK):
            result[start : start + CHUNK] = self._interpolate(points[start : start + CHUNK])
        return result

    def _interpolate(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        base = np.zeros(len(points), dtype=np.intp)
        weights = []
        for m, axis in enumerate(self.axes):
            y = np.minimum(points[:, m], axis[-1])
            cell = np.searchsorted(axis[1:-1], y, side="right")
            base = base * len(axis) + cell
            below = axis.take(cell)
            weights.append((y - below) / (axis.take(cell + 1) - below))
        return self._blend(base, weights, self._strides)

    def _blend(
        self, base: NDArray[np.intp], weights: list[NDArray[np.float64]], strides: tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Interpolates between the corners at `base` and those a stride on, objective by objective.

        Both products are of numbers that are not negative inside the box, so that a small
        improvement keeps its digits.
        """
        if not weights:
            return self.corners.take(base)
        near = self._blend(base, weights[1:], strides[1:])
        far = self._blend(base + strides[0], weights[1:], strides[1:])
        near *= 1.0 - weights[0]
        far *= weights[0]
        near += far
        return near

    @property
    def _strides(self) -> tuple[int, ...]:
        sizes = [len(axis) for axis in self.axes]
        return tuple(int(np.prod(sizes[m + 1 :], dtype=np.intp)) for m in range(len(sizes)))


def _axis(front: NDArray[np.float64], reference: float, scale: float) -> NDArray[np.float64]:
    inner = np.unique(front)
    lowest = float(inner[0]) if len(inner) else reference
    return np.concatenate(([lowest - scale], inner, [reference]))


def _free(axes: tuple[NDArray[np.float64], ...], front: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for boxes that the front does not dominate, else 0, indexed by their lower corners."""
    taken = np.zeros([len(axis) - 1 for axis in axes], dtype=np.bool_)
    taken[tuple(np.searchsorted(axis, front[:, m]) for m, axis in enumerate(axes))] = True
    for m in range(len(axes)):
        np.logical_or.accumulate(taken, axis=m, out=taken)
    return np.asarray(~taken, dtype=np.float64)


def _volumes(
    axes: tuple[NDArray[np.float64], ...], boxes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sums boxes from every corner up to the reference, objective by objective."""
    total = np.zeros([len(axis) for axis in axes])
    inner = total[tuple(slice(-1) for _ in axes)]
    inner[...] = boxes
    for m, axis in enumerate(axes):
        shape = [1] * len(axes)
        shape[m] = -1
        inner *= np.diff(axis).reshape(shape)
        backwards = np.flip(inner, axis=m)
        np.cumsum(backwards, axis=m, out=backwards)
    return total
