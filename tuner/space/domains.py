"""What one parameter may be: four kinds of domain behind one Protocol.

A domain maps its values to the unit interval and back. Finite domains of n values put value k at
the middle of the k-th of n equal cells, so that uniform numbers give uniform values. For every
typed value x, `decode(encode(x)) == x` exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tuner.errors import SpaceError
from tuner.space.ranges import FloatDomain, IntegerDomain
from tuner.space.values import ParameterValue
from tuner.spec import Categorical, FloatRange, IntegerRange, Ordinal, Parameter


class Domain(Protocol):
    """The values of one parameter."""

    @property
    def cardinality(self) -> int | None:
        """How many values there are; None for a continuum."""

    def members(self) -> Iterator[ParameterValue]:
        """The values of a finite domain, in order. Raises SpaceError for a continuum."""

    def decode(self, unit: float) -> ParameterValue:
        """The value at a point of the unit interval, both ends included."""

    def encode(self, value: ParameterValue) -> float:
        """Where a typed value lies in the unit interval."""

    def cast(self, raw: object) -> ParameterValue:
        """The typed value that `raw` stands for. Raises SpaceError with the rule it breaks."""


@dataclass(frozen=True, slots=True)
class OrdinalDomain:
    """One of several numbers, in order; whole numbers if all of them are."""

    values: tuple[float, ...] | tuple[int, ...]

    @property
    def cardinality(self) -> int:
        """How many values there are."""
        return len(self.values)

    def members(self) -> Iterator[ParameterValue]:
        """The numbers, in order."""
        return iter(self.values)

    def decode(self, unit: float) -> ParameterValue:
        """The value whose cell holds the point."""
        return self.values[_cell(unit, len(self.values))]

    def encode(self, value: ParameterValue) -> float:
        """The middle of the value's cell."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def cast(self, raw: object) -> ParameterValue:
        """The listed number that equals `raw`. Raises SpaceError."""
        if not isinstance(raw, bool):
            for value in self.values:
                if value == raw:
                    return value
        raise SpaceError(f"{raw!r} is not one of {', '.join(map(str, self.values))}")


@dataclass(frozen=True, slots=True)
class CategoricalDomain:
    """One of several words."""

    choices: tuple[str, ...]

    @property
    def cardinality(self) -> int:
        """How many choices there are."""
        return len(self.choices)

    def members(self) -> Iterator[ParameterValue]:
        """The choices, in order."""
        return iter(self.choices)

    def decode(self, unit: float) -> ParameterValue:
        """The choice whose cell holds the point."""
        return self.choices[_cell(unit, len(self.choices))]

    def encode(self, value: ParameterValue) -> float:
        """The middle of the choice's cell."""
        return (self.choices.index(str(value)) + 0.5) / len(self.choices)

    def cast(self, raw: object) -> ParameterValue:
        """The choice itself. Raises SpaceError."""
        if isinstance(raw, str) and raw in self.choices:
            return raw
        raise SpaceError(f"{raw!r} is not one of {', '.join(self.choices)}")


def domain_of(parameter: Parameter) -> Domain:
    """The domain that a parameter of a manifest declares."""
    match parameter.domain:
        case FloatRange() as given:
            return FloatDomain(
                low=given.min, high=given.max, log=given.scale == "Log", step=given.step
            )
        case IntegerRange() as given:
            return IntegerDomain(
                low=given.min, high=given.max, log=given.scale == "Log", step=given.step
            )
        case Ordinal() as given:
            return OrdinalDomain(_alike(given.values))
        case Categorical() as given:
            return CategoricalDomain(given.choices)


def _alike(values: tuple[int | float, ...]) -> tuple[float, ...] | tuple[int, ...]:
    """All whole numbers as int, else all as float: JSON does not keep 1.0 and 1 apart."""
    if all(float(value).is_integer() for value in values):
        return tuple(int(value) for value in values)
    return tuple(float(value) for value in values)


def _cell(unit: float, count: int) -> int:
    return min(int(unit * count), count - 1)
