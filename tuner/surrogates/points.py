"""Configurations as arrays: what surrogates learn from and are asked about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """n configurations of a space of d parameters and g groups of stages, at a fidelity each.

    Attributes:
        unit: Coordinates of the parameters in [0, 1], snapped; shape (n, d), float.
        active: Which parameters are active; shape (n, d), bool.
        types: Index of each group's instance type among the group's types; shape (n, g), int.
        fidelity: In (0, 1]; shape (n,), float.

    Raises:
        SurrogateError: The shapes do not belong together.
    """

    unit: NDArray[np.float64]
    active: NDArray[np.bool_]
    types: NDArray[np.intp]
    fidelity: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.fidelity)
        if (
            self.unit.ndim != 2
            or self.unit.shape != self.active.shape
            or self.types.ndim != 2
            or self.fidelity.ndim != 1
            or len(self.unit) != n
            or len(self.types) != n
        ):
            shapes = ", ".join(f"{each.name} {getattr(self, each.name).shape}" for each in _FIELDS)
            raise SurrogateError(f"points of different shapes: {shapes}")

    def __len__(self) -> int:
        return len(self.fidelity)

    def __getitem__(self, rows: Any) -> Points:
        """Some of the points: a slice, a mask (n,) or an array of indices."""
        return Points(*(getattr(self, each.name)[rows] for each in _FIELDS))

    @classmethod
    def concatenate(cls, parts: Iterable[Points]) -> Points:
        """The points of all parts, one after the other; at least one part."""
        columns = zip(*([getattr(part, f.name) for f in _FIELDS] for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))

    def at_fidelity(self, fidelity: float) -> Points:
        """The same configurations at another fidelity."""
        return Points(self.unit, self.active, self.types, np.full(len(self), fidelity))


_FIELDS = fields(Points)
