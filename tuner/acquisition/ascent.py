"""L-BFGS in a box, for several starts in lockstep: every call of the score serves all of them.

The direction is that of the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4), projected
on the box; instead of a line search that asks for one point after the other, all step lengths are
tried in one call and the best is taken. The number of calls depends on nothing but `iterations`.

n starts, D coordinates, everything maximised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""What points are worth: (n, D) -> (n,), higher is better; each row for itself."""

Gradient = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""How the score changes with each coordinate: (n, D) -> (n, D)."""

LENGTHS = (4.0, 2.0, 1.0, 0.5, 0.2, 0.05, 0.01)
"""Multiples of the direction that are tried."""

LONGEST = 0.25
"""No coordinate of the direction is longer."""

FIRST = 0.05
"""The longest coordinate of the first direction, when nothing is known of the curvature."""

MEMORY = 8
"""Pairs of a step and what the gradient did that are remembered."""

STEP = 1e-4
"""Half the distance of a central difference."""


def central_differences(score: Score, *, free: NDArray[np.bool_]) -> Gradient:
    """The gradient by finite differences, all of them in one call of the score.

    Args:
        score: What points are worth.
        free: The coordinates to differentiate by, shape (n, D); 0 is returned for the others, and
            where the score is not finite. Every call must be with these n points.
    """
    rows, columns = np.nonzero(free)

    def gradient(points: NDArray[np.float64]) -> NDArray[np.float64]:
        result = np.zeros(points.shape)
        if not len(rows):
            return result
        both = np.repeat(points[rows][None], 2, axis=0)
        place = np.arange(len(rows))
        both[0, place, columns] = np.minimum(both[0, place, columns] + STEP, 1.0)
        both[1, place, columns] = np.maximum(both[1, place, columns] - STEP, 0.0)
        distance = both[0, place, columns] - both[1, place, columns]
        above, below = score(both.reshape(-1, points.shape[1])).reshape(2, -1)
        finite = np.isfinite(above) & np.isfinite(below)
        result[rows, columns] = (
            np.where(finite, above, 0.0) - np.where(finite, below, 0.0)
        ) / distance
        return result

    return gradient


def climb(
    score: Score,
    points: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    free: NDArray[np.bool_],
    gradient: Gradient,
    iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points at least as good as the given ones, and their scores.

    Args:
        score: What points are worth.
        points: Where to start, shape (n, D), in [0, 1]; not changed.
        values: Their scores, shape (n,).
        free: Which coordinates may change, shape (n, D); the others keep every bit.
        gradient: The score's gradient.
        iterations: How many steps; each calls the gradient once and the score once.
    """
    points, values = points.copy(), values.copy()
    memory = _Memory()
    rows = np.arange(len(points))
    trust = np.ones(len(points))
    for _ in range(iterations if len(points) else 0):
        slope = np.where(free, gradient(points), 0.0)
        memory.see(points, slope)
        direction = trust[:, None] * _direction(points, slope, memory)
        tries = points + np.array(LENGTHS)[:, None, None] * direction
        tries = np.where(free, np.clip(tries, 0.0, 1.0), points)
        found = score(tries.reshape(-1, points.shape[1])).reshape(len(LENGTHS), -1)
        found = np.where(np.isnan(found), -np.inf, found)
        best = np.argmax(found, axis=0)
        better = found[best, rows] > values
        points = np.where(better[:, None], tries[best, rows], points)
        values = np.where(better, found[best, rows], values)
        # A direction of no use is forgotten, and the next one is tried closer by.
        trust = np.where(better, 1.0, 0.05 * trust)
        memory.forget(~better)
    return points, values


def _direction(
    points: NDArray[np.float64], slope: NDArray[np.float64], memory: _Memory
) -> NDArray[np.float64]:
    """Where to go, none of it out of the cube, shape (n, D)."""
    blocked = ((points <= 0.0) & (slope < 0.0)) | ((points >= 1.0) & (slope > 0.0))
    slope = np.where(blocked, 0.0, slope)
    direction = np.where(blocked, 0.0, memory.times(slope))
    uphill = np.sum(direction * slope, axis=1) > 0.0
    steepest = _shortened(slope, FIRST, grow=True)
    return np.where(
        (uphill & memory.known)[:, None], _shortened(direction, LONGEST, grow=False), steepest
    )


def _shortened(
    direction: NDArray[np.float64], longest: float, *, grow: bool
) -> NDArray[np.float64]:
    """The direction with no coordinate longer than that; with `grow`, with one as long."""
    length = np.max(np.abs(direction), axis=1, keepdims=True)
    factor = longest / np.where(length > 0.0, length, 1.0)
    return np.asarray(direction * (factor if grow else np.minimum(factor, 1.0)))


@dataclass(slots=True, eq=False)
class _Memory:
    """What recent steps told of the inverse of the curvature, for each start of its own."""

    steps: list[NDArray[np.float64]] = field(default_factory=list)
    changes: list[NDArray[np.float64]] = field(default_factory=list)
    weights: list[NDArray[np.float64]] = field(default_factory=list)
    last: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which starts have a step to go by."""
        if not self.weights:
            return np.zeros(1, dtype=np.bool_)
        return np.asarray(np.any(np.array(self.weights) > 0.0, axis=0), dtype=np.bool_)

    def see(self, points: NDArray[np.float64], slope: NDArray[np.float64]) -> None:
        """Takes in where the starts are now; a step that shows no downward bend counts nothing."""
        if self.last is not None:
            step, change = points - self.last[0], self.last[1] - slope
            bend = np.sum(step * change, axis=1)
            usable = bend > 1e-10 * np.sum(step * step, axis=1)
            self.steps.append(step)
            self.changes.append(change)
            self.weights.append(np.where(usable, 1.0 / np.where(usable, bend, 1.0), 0.0))
            for past in (self.steps, self.changes, self.weights):
                del past[:-MEMORY]
        self.last = (points.copy(), slope.copy())

    def forget(self, starts: NDArray[np.bool_]) -> None:
        """Drops what is known of some starts, a mask (n,)."""
        for weight in self.weights:
            weight[starts] = 0.0

    def times(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """The two-loop recursion: the estimate of the inverse curvature times the slope."""
        result = slope.copy()
        shares = []
        for step, change, weight in self._newest_first():
            share = weight * np.sum(step * result, axis=1)
            result -= share[:, None] * change
            shares.append(share)
        result *= self._size(len(slope))[:, None]
        for (step, change, weight), share in zip(
            reversed(self._newest_first()), reversed(shares), strict=True
        ):
            rest = share - weight * np.sum(change * result, axis=1)
            result += rest[:, None] * step
        return result

    def _newest_first(
        self,
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        return list(zip(self.steps, self.changes, self.weights, strict=True))[::-1]

    def _size(self, count: int) -> NDArray[np.float64]:
        """Each start's scale of the inverse curvature, from its last usable step."""
        size = np.ones(count)
        for _, change, weight in reversed(self._newest_first()):
            usable = weight > 0.0
            square = np.where(usable, np.sum(change * change, axis=1), 1.0)
            size = np.where(usable, 1.0 / np.where(usable, weight * square, 1.0), size)
        return size
