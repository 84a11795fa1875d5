"""The unit cube over parameters and instance types, as arrays.

The first d coordinates belong to the parameters, the others to the groups of stages that have more
than one instance type to choose from, in order. C points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.moves import Coordinates
from tuner.hardware import Group, StageChoices
from tuner.space import CategoricalDomain, Dimension, SearchSpace
from tuner.space.batch import snap
from tuner.surrogates import Points


@dataclass(frozen=True)
class Cube:
    """Goes between points of the cube and what surrogates are asked about.

    Attributes:
        space: The search space of d parameters.
        groups: The groups of stages, those with one instance type included.
    """

    space: SearchSpace
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, space: SearchSpace, choices: StageChoices) -> Cube:
        """The cube of a study."""
        return cls(space, choices.groups)

    def __len__(self) -> int:
        return len(self.space) + len(self._free)

    @cached_property
    def coordinates(self) -> Coordinates:
        """The kinds of the coordinates."""
        levels = [_levels(each) for each in self.space.dimensions]
        unordered = [isinstance(each.domain, CategoricalDomain) for each in self.space.dimensions]
        return Coordinates(
            np.array([*levels, *self._sizes[self._free]], dtype=np.intp),
            np.array([*unordered, *(True for _ in self._free)], dtype=np.bool_),
        )

    def points(self, unit: NDArray[np.float64], *, fidelity: float = 1.0) -> Points:
        """The configurations at points of the cube, snapped: (C, d + g) -> C points.

        Args:
            unit: Coordinates in [0, 1].
            fidelity: That of all of them.

        Raises:
            SpaceError: A coordinate is outside [0, 1], or there are more or fewer of them.
        """
        snapped = snap(self.space, unit[:, : len(self.space)])
        types = np.zeros((len(unit), len(self.groups)), dtype=np.intp)
        sizes = self._sizes[self._free]
        cells = (unit[:, len(self.space) :] * sizes).astype(np.intp)
        types[:, self._free] = np.minimum(cells, sizes - 1)
        return Points(snapped.unit, snapped.active, types, np.full(len(unit), fidelity))

    def unit(self, points: Points) -> NDArray[np.float64]:
        """Where configurations lie in the cube: C points -> (C, d + g)."""
        types = (points.types[:, self._free] + 0.5) / self._sizes[self._free]
        return np.concatenate([points.unit, types], axis=1)

    @cached_property
    def _sizes(self) -> NDArray[np.intp]:
        return np.array([len(group.types) for group in self.groups], dtype=np.intp)

    @cached_property
    def _free(self) -> NDArray[np.intp]:
        """Indices of the groups with a choice."""
        return np.flatnonzero(self._sizes > 1)


def _levels(dimension: Dimension) -> int:
    return dimension.domain.cardinality or 0
