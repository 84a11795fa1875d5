"""Blocks of input columns; each block shares one lengthscale.

An encoder turns points (n) into columns (n, c).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.space.space import INACTIVE
from tuner.surrogates.points import Points

Array = NDArray[np.float64]


class Encoder(Protocol):
    """One block of columns."""

    @property
    def width(self) -> int:
        """How many columns it has."""

    def columns(self, points: Points) -> Array:
        """Its columns at n points, shape (n, width)."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A numeric parameter: its unit coordinate; constant where it is inactive."""

    parameter: int
    width: int = 1

    def columns(self, points: Points) -> Array:
        """The coordinate, shape (n, 1)."""
        active = points.active[:, self.parameter]
        return np.where(active, points.unit[:, self.parameter], INACTIVE)[:, None]


@dataclass(frozen=True, slots=True)
class Choice:
    """A categorical parameter: one-hot, two choices at distance 1; zeros where it is inactive."""

    parameter: int
    width: int

    def columns(self, points: Points) -> Array:
        """One-hot columns, shape (n, width)."""
        cell = (points.unit[:, self.parameter] * self.width).astype(np.intp)
        table = one_hot(self.width)[np.minimum(cell, self.width - 1)]
        table[~points.active[:, self.parameter]] = 0.0
        return table


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether a conditional parameter is active, as 0 or 1."""

    parameter: int
    width: int = 1

    def columns(self, points: Points) -> Array:
        """The indicator, shape (n, 1)."""
        return points.active[:, self.parameter, None].astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """Something about the instance type of a group of stages.

    Attributes:
        group: Index of the group.
        table: A row for each of the group's types, shape (types, width).
    """

    group: int
    table: Array

    @property
    def width(self) -> int:
        """How many columns it has."""
        return int(self.table.shape[1])

    def columns(self, points: Points) -> Array:
        """The rows of the chosen types, shape (n, width)."""
        return np.asarray(self.table[points.types[:, self.group]])


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The logarithm of the fidelity: 0 at `least` and below, 1 at full fidelity."""

    least: float
    width: int = 1

    def columns(self, points: Points) -> Array:
        """The scaled logarithm, shape (n, 1)."""
        share = 1.0 - np.log(points.fidelity) / math.log(self.least)
        return np.clip(share, 0.0, 1.0)[:, None]


def one_hot(count: int) -> Array:
    """A row for each of `count` choices, any two at distance 1."""
    return np.eye(count) / math.sqrt(2.0)
