"""A study's search space as a whole: conditions, the unit cube, typing, canonical form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SpaceError
from tuner.space.dimension import Dimension
from tuner.space.domains import domain_of
from tuner.space.values import ParameterValue
from tuner.spec import Parameter

INACTIVE = 0.5
"""Where `SearchSpace.encode` puts a parameter that is not active."""

Canonical = tuple[tuple[str, ParameterValue], ...]
"""A configuration as a key: active parameters in the space's order, typed."""


@dataclass(frozen=True)
class SearchSpace:
    """All configurations that a study may try.

    A configuration names exactly the active parameters. One coordinate of the unit cube belongs to
    each parameter, in the order of the manifest.

    Example:
        >>> space = SearchSpace.from_parameters(study.spec.parameters)  # doctest: +SKIP
        >>> space.from_unit(space.encode({"lr": 0.01}))                  # doctest: +SKIP
        {'lr': 0.01}
    """

    dimensions: tuple[Dimension, ...]

    @classmethod
    def from_parameters(cls, parameters: Sequence[Parameter]) -> SearchSpace:
        """The space that a manifest declares.

        Raises:
            SpaceError: A condition names an unknown or later parameter.
        """
        dimensions: list[Dimension] = []
        for parameter in parameters:
            when = parameter.when
            if when is not None and when.parameter not in {known.name for known in dimensions}:
                raise SpaceError(
                    f'parameter "{parameter.name}": its condition names "{when.parameter}", '
                    "which is not an earlier parameter"
                )
            dimensions.append(
                Dimension(
                    name=parameter.name,
                    domain=domain_of(parameter),
                    parent=when.parameter if when else None,
                    when=frozenset(when.in_) if when else frozenset(),
                )
            )
        return cls(tuple(dimensions))

    def __len__(self) -> int:
        return len(self.dimensions)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters' names in order."""
        return tuple(dimension.name for dimension in self.dimensions)

    @cached_property
    def cardinality(self) -> int | None:
        """How many configurations there are; None if infinitely many."""
        counts = [self._count(each) for each in self.dimensions if each.parent is None]
        finite = [count for count in counts if count is not None]
        return math.prod(finite) if len(finite) == len(counts) else None

    def active(self, parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Names of the parameters that are active given the values of their parents, in order."""
        return tuple(dimension.name for dimension in self._active(parameters))

    def sample(self, rng: np.random.Generator) -> dict[str, ParameterValue]:
        """A configuration at a uniformly random point of the unit cube."""
        return self.from_unit(rng.random(len(self)))

    def from_unit(self, unit: NDArray[np.float64]) -> dict[str, ParameterValue]:
        """The configuration at a point of the unit cube.

        Args:
            unit: Coordinates in [0, 1], shape (d,); those of inactive parameters are passed over.

        Raises:
            SpaceError: The point has another shape or leaves the cube.
        """
        if unit.shape != (len(self),):
            raise SpaceError(f"expected {len(self)} coordinates, got shape {unit.shape}")
        if not bool(np.all((unit >= 0.0) & (unit <= 1.0))):
            raise SpaceError("a coordinate is outside [0, 1]")
        decoded = {
            dimension.name: dimension.domain.decode(float(coordinate))
            for dimension, coordinate in zip(self.dimensions, unit, strict=True)
        }
        return {name: decoded[name] for name in self.active(decoded)}

    def encode(self, parameters: Mapping[str, ParameterValue]) -> NDArray[np.float64]:
        """The point of a typed configuration, shape (d,); inactive parameters lie at `INACTIVE`.

        Raises:
            SpaceError: An active parameter has no value.
        """
        unit = np.full(len(self), INACTIVE)
        active = set(self.active(parameters))
        for index, dimension in enumerate(self.dimensions):
            if dimension.name in active:
                unit[index] = dimension.domain.encode(dimension.value(parameters))
        return unit

    def cast(self, raw: Mapping[str, object]) -> dict[str, ParameterValue]:
        """The configuration that `raw` stands for, typed by the space.

        JSON and the API server turn 1.0 into 1; here a float parameter becomes 1.0 again, and 3.0
        for a whole number becomes 3.

        Raises:
            SpaceError: Names the parameter and the rule: unknown, missing, inactive, of the wrong
                type, out of bounds, off the steps, or not among the choices.
        """
        known = set(self.names)
        for name in raw:
            if name not in known:
                raise SpaceError(f'parameter "{name}" is not in the search space')
        typed: dict[str, ParameterValue] = {}
        for dimension in self.dimensions:
            if dimension.is_active(typed):
                typed[dimension.name] = dimension.cast(raw)
            elif dimension.name in raw:
                raise SpaceError(dimension.why_inactive())
        return typed

    def complete(
        self, raw: Mapping[str, object], *, unit: NDArray[np.float64]
    ) -> dict[str, ParameterValue]:
        """The configuration that keeps what `raw` says and takes the rest from a point.

        Args:
            raw: Values of some parameters.
            unit: Coordinates in [0, 1], shape (d,), for the active parameters not in `raw`.

        Raises:
            SpaceError: As `cast`, but for missing values.
        """
        filled = dict(raw)
        typed: dict[str, ParameterValue] = {}
        for dimension, coordinate in zip(self.dimensions, unit, strict=True):
            if dimension.is_active(typed):
                filled.setdefault(dimension.name, dimension.domain.decode(float(coordinate)))
                typed[dimension.name] = dimension.cast(filled)
        return self.cast(filled)

    def configurations(self) -> Iterator[dict[str, ParameterValue]]:
        """Every configuration of a finite space, in the order of the manifest.

        Raises:
            SpaceError: The space is not finite.
        """
        if self.cardinality is None:
            raise SpaceError("the search space is not finite")
        return self._extend({}, self.dimensions)

    def canonical(self, parameters: Mapping[str, object]) -> Canonical:
        """The configuration as a key: equal exactly for configurations that are the same."""
        return tuple(self.cast(parameters).items())

    def _extend(
        self, start: dict[str, ParameterValue], rest: Sequence[Dimension]
    ) -> Iterator[dict[str, ParameterValue]]:
        if not rest:
            yield start
        elif not rest[0].is_active(start):
            yield from self._extend(start, rest[1:])
        else:
            for value in rest[0].domain.members():
                yield from self._extend({**start, rest[0].name: value}, rest[1:])

    def _active(self, parameters: Mapping[str, ParameterValue]) -> Iterator[Dimension]:
        seen: dict[str, ParameterValue] = {}
        for dimension in self.dimensions:
            if dimension.is_active(seen):
                if dimension.name in parameters:
                    seen[dimension.name] = parameters[dimension.name]
                yield dimension

    def _count(self, dimension: Dimension) -> int | None:
        """Configurations of this parameter and of all that depend on it."""
        children = [each for each in self.dimensions if each.parent == dimension.name]
        if dimension.domain.cardinality is None or not children:
            return dimension.domain.cardinality
        total = 0
        for value in dimension.domain.members():
            counts = [self._count(child) for child in children if value in child.when]
            finite = [count for count in counts if count is not None]
            if len(finite) < len(counts):
                return None
            total += math.prod(finite)
        return total
