"""From configurations to a model's inputs.

A numeric parameter is its unit coordinate. A categorical one is one-hot over sqrt(2), so that two
choices are at distance 1, with one lengthscale. A conditional parameter adds an indicator of its
activity; where it is inactive its own columns are constant. An instance type is its features,
scaled to [0, 1] over the study's types, and its identity, one-hot. Fidelity is its logarithm,
scaled to [0, 1]. What cannot vary has no column, and neither has what would only repeat the
distances of columns before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.hardware import Group
from tuner.space import CategoricalDomain, SearchSpace
from tuner.surrogates.encoders import (
    Activity,
    Choice,
    Coordinate,
    Encoder,
    Fidelity,
    Machine,
    one_hot,
)
from tuner.surrogates.points import Points

Array = NDArray[np.float64]

LEAST_FIDELITY = 0.01


@dataclass(frozen=True)
class Inputs:
    """The inputs of one model: blocks of columns, each with a lengthscale of its own."""

    encoders: tuple[Encoder, ...]

    def transform(self, points: Points) -> Array:
        """The inputs at n points, shape (n, p); p may be 0."""
        blocks = [encoder.columns(points) for encoder in self.encoders]
        return np.concatenate([np.empty((len(points), 0)), *blocks], axis=1)

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """The lengthscale group of each column, shape (p,)."""
        widths = [encoder.width for encoder in self.encoders]
        return np.repeat(np.arange(len(widths)), np.array(widths, dtype=np.intp))


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """How the configurations of a study become inputs.

    Attributes:
        space: The search space.
        groups: The groups of stages, each with its instance types.
        type_features: Features of each instance type by name, from `instance_features`.
        least_fidelity: The fidelity that is 0 on the scaled logarithm, in (0, 1).
    """

    space: SearchSpace
    groups: Sequence[Group]
    type_features: Mapping[str, Mapping[str, float]]
    least_fidelity: float = LEAST_FIDELITY

    def widened(self, types: Mapping[str, Mapping[str, float]]) -> FeatureMap:
        """The map with further instance types at the end of every group.

        Points of the study mean the same in both: the types' places stay.

        Args:
            types: Their features by name; names that a group has already are passed over.
        """
        return replace(
            self,
            groups=tuple(
                Group(one.stages, tuple(dict.fromkeys((*one.types, *types)))) for one in self.groups
            ),
            type_features={**types, **self.type_features},
        )

    def columns(
        self,
        *,
        parameters: Collection[str] | None = None,
        groups: Collection[int] | None = None,
        fidelity: bool = True,
    ) -> Inputs:
        """The inputs that some parameters, groups and the fidelity make.

        Args:
            parameters: Names of the parameters; None for all.
            groups: Indices of the groups of stages whose instance types count; None for all.
            fidelity: Whether the fidelity counts.
        """
        names = self.space.names if parameters is None else parameters
        chosen = range(len(self.groups)) if groups is None else groups
        encoders = [*self._parameters(names)]
        for index in sorted(chosen):
            encoders.extend(self._machine(index))
        if fidelity:
            encoders.append(Fidelity(self.least_fidelity))
        return Inputs(tuple(encoders))

    def _parameters(self, names: Collection[str]) -> Iterator[Encoder]:
        conditions = set()
        for index, dimension in enumerate(self.space.dimensions):
            if dimension.name not in names:
                continue
            condition = (dimension.parent, dimension.when)
            if dimension.parent is not None and condition not in conditions:
                conditions.add(condition)
                yield Activity(index)
            domain = dimension.domain
            if domain.cardinality == 1:
                continue
            if isinstance(domain, CategoricalDomain):
                yield Choice(index, len(domain.choices))
            else:
                yield Coordinate(index)

    def _machine(self, index: int) -> Iterator[Encoder]:
        types = self.groups[index].types
        if len(types) < 2:
            return
        features = list(self._features(types))
        for feature in features:
            yield Machine(index, feature[:, None])
        if len(types) > 2 or not features:
            yield Machine(index, one_hot(len(types)))

    def _features(self, types: Sequence[str]) -> Iterator[Array]:
        """The features that differ between the types, each a column of shape (types,)."""
        known = [self.type_features.get(name, {}) for name in types]
        shapes: list[Array] = []
        for feature in sorted(set.intersection(*(set(each) for each in known))):
            column = np.array([each[feature] for each in known])
            shape = _normalised(column)
            if shape is None or any(_same_distances(shape, seen) for seen in shapes):
                continue
            shapes.append(shape)
            least, most = self._range(feature)
            yield (column - least) / (most - least)

    def _range(self, feature: str) -> tuple[float, float]:
        """Least and greatest value over the types that the study may use."""
        used = {name for group in self.groups for name in group.types}
        values = [
            features[feature]
            for name, features in self.type_features.items()
            if name in used and feature in features
        ]
        return min(values), max(values)


def _normalised(column: Array) -> Array | None:
    """The column from 0 to 1; None if it is constant."""
    least, width = float(column.min()), float(np.ptp(column))
    return (column - least) / width if width > 1e-12 else None


def _same_distances(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other) or np.allclose(one, 1.0 - other))
