"""Parameters and instance types as one space: what a searcher moves in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tuner.hardware import StageChoices
from tuner.space import Canonical, SearchSpace
from tuner.trial import ParameterValue, Trial

Key = tuple[Canonical, tuple[str, ...]]
"""A configuration with its instance types, equal exactly for what would be the same trial."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Parameters, and the instance type of each group of stages."""

    parameters: Mapping[str, ParameterValue]
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JointSpace:
    """The unit cube over the parameters and the groups of stages with more than one type.

    Attributes:
        space: The search space.
        choices: The instance types that stages may use.
        closed: Those of them that points do not lead to, where a group has others.
    """

    space: SearchSpace
    choices: StageChoices
    closed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.space) + sum(len(group.types) > 1 for group in self.choices.groups)

    @property
    def cardinality(self) -> int | None:
        """How many different trials there are; None if infinitely many."""
        count = self.space.cardinality
        return None if count is None else count * self.choices.cardinality

    def without(self, closed: frozenset[str]) -> JointSpace:
        """The same space, with points that lead to other types than these."""
        return replace(self, closed=closed) if closed != self.closed else self

    def is_open(self, configuration: Configuration) -> bool:
        """Whether it uses no closed type, but where there is no other."""
        types = self.choices.open_types(self.closed)
        return all(name in some for name, some in zip(configuration.chosen, types, strict=True))

    def from_unit(self, unit: NDArray[np.float64]) -> Configuration:
        """The configuration at a point of the cube, shape (d + g,)."""
        return Configuration(
            self.space.from_unit(unit[: len(self.space)]), self._chosen(unit[len(self.space) :])
        )

    def complete(
        self,
        parameters: Mapping[str, object],
        *,
        instance_types: Mapping[str, str],
        unit: NDArray[np.float64],
    ) -> Configuration:
        """The configuration that keeps what is given and takes the rest from a point.

        Raises:
            SpaceError: What is given is not in the space.
        """
        given = self.choices.partial(instance_types)
        drawn = self._chosen(unit[len(self.space) :])
        return Configuration(
            self.space.complete(parameters, unit=unit[: len(self.space)]),
            tuple(one or other for one, other in zip(given, drawn, strict=True)),
        )

    def configurations(self) -> Iterator[Configuration]:
        """Every configuration of a finite space, one after the other."""
        types = list(product(*(group.types for group in self.choices.groups)))
        for parameters in self.space.configurations():
            yield from (Configuration(parameters, chosen) for chosen in types)

    def key(self, configuration: Configuration) -> Key:
        """What tells the configuration from others."""
        return self._ordered(configuration.parameters), configuration.chosen

    def trial_key(self, trial: Trial) -> Key:
        """The key of a proposed trial, whose parameters are typed and active."""
        stages = (group.stages[0] for group in self.choices.groups)
        return (
            self._ordered(trial.parameters),
            tuple(trial.instance_types.get(stage, "") for stage in stages),
        )

    def _ordered(self, parameters: Mapping[str, ParameterValue]) -> Canonical:
        """As `SearchSpace.canonical`, for what is typed already: the history is long."""
        return tuple((name, parameters[name]) for name in self.space.names if name in parameters)

    def _chosen(self, unit: NDArray[np.float64]) -> tuple[str, ...]:
        coordinates = iter(unit)
        types = self.choices.open_types(self.closed)
        return tuple(
            _pick(some, float(next(coordinates))) if len(group.types) > 1 else group.types[0]
            for group, some in zip(self.choices.groups, types, strict=True)
        )


def _pick(types: tuple[str, ...], coordinate: float) -> str:
    return types[min(int(coordinate * len(types)), len(types) - 1)]
