"""Steps from one configuration to others nearby, in spaces of mixed kinds.

D coordinates of the unit cube: the parameters', then those of the groups of stages. n points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

SHARES = (0.0, 0.0, 0.15, 0.5, 1.0)
"""A move changes each coordinate with one of these probabilities, and one coordinate at least: in
mixed spaces and in many dimensions most moves that change everything make things worse."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """What kind of number each coordinate stands for.

    Attributes:
        levels: How many values there are, shape (D,), int; 0 for a continuum.
        unordered: Whether neighbouring values have nothing to do with each other, shape (D,).
    """

    levels: NDArray[np.intp]
    unordered: NDArray[np.bool_]

    @classmethod
    def continuous(cls, size: int) -> Coordinates:
        """As many coordinates of continua."""
        return cls(np.zeros(size, dtype=np.intp), np.zeros(size, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def smooth(self) -> NDArray[np.bool_]:
        """Which coordinates have a derivative, shape (D,)."""
        return np.asarray(self.levels == 0, dtype=np.bool_)


def perturb(
    base: NDArray[np.float64],
    *,
    scale: NDArray[np.float64],
    free: NDArray[np.bool_],
    coordinates: Coordinates,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """One random move from each point, shape (n, D).

    A few coordinates or all of them are changed: continua by normal steps, numbers of a finite set
    by at least one value, categories and instance types to any other one. The faces of the cube
    stop a step, so that points on them are found.

    Args:
        base: Where from, shape (n, D).
        scale: Standard deviation of the steps, shape (n,).
        free: Which coordinates may change, shape (n, D); a point with none stays where it is.
        coordinates: Their kinds.
        rng: Draws the moves.
    """
    chosen = _chosen(free, rng)
    step = scale[:, None] * rng.standard_normal(base.shape)
    cell = 1.0 / np.maximum(coordinates.levels, 1)
    least = np.where(coordinates.smooth, 0.0, cell)
    step = np.copysign(np.maximum(np.abs(step), least), step)
    moved = np.clip(base + step, 0.0, 1.0)
    others = np.floor(rng.random(base.shape) * np.maximum(coordinates.levels - 1, 1)) + 1.0
    turned = _turned(base, others, coordinates)
    return np.where(chosen, np.where(coordinates.unordered, turned, moved), base)


def flips(base: NDArray[np.float64], *, coordinates: Coordinates, most: int) -> NDArray[np.float64]:
    """Each point with one category or instance type changed, in every way: shape (m, D).

    Args:
        base: Where from, the most important first, shape (n, D).
        coordinates: Their kinds.
        most: How many points to return at most; the first of `base` come first.
    """
    found = islice((each for point in base for each in _turns(point, coordinates)), most)
    return np.array(list(found)).reshape(-1, base.shape[1])


def _turns(point: NDArray[np.float64], coordinates: Coordinates) -> Iterator[NDArray[np.float64]]:
    cells = _cells(point, coordinates)
    for index in np.flatnonzero(coordinates.unordered):
        for level in range(int(coordinates.levels[index])):
            if level != cells[index]:
                changed = point.copy()
                changed[index] = (level + 0.5) / coordinates.levels[index]
                yield changed


def _chosen(free: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    share = rng.choice(SHARES, size=(len(free), 1))
    chosen = rng.random(free.shape) < share
    first = np.argmax(np.where(free, rng.random(free.shape), -1.0), axis=1)
    chosen[np.arange(len(free)), first] = True
    return chosen & free


def _cells(unit: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    levels = np.maximum(coordinates.levels, 1)
    return np.minimum(np.floor(unit * levels), levels - 1.0)


def _turned(
    base: NDArray[np.float64], others: NDArray[np.float64], coordinates: Coordinates
) -> NDArray[np.float64]:
    """The middles of the cells that lie `others` further on, round and round."""
    levels = np.maximum(coordinates.levels, 1)
    return np.asarray((np.mod(_cells(base, coordinates) + others, levels) + 0.5) / levels)
