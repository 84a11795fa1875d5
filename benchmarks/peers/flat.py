"""A study's parameters and instance types as one flat mapping, and as relaxed coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.joint import Configuration, JointSpace
from tuner.space import CategoricalDomain, Dimension
from tuner.trial import ParameterValue, Trial

Flat = Mapping[str, ParameterValue]
"""Active parameters and chosen instance types by name."""

TYPE = "instance_type_"


@dataclass(frozen=True)
class FlatSpace:
    """The joint space with every choice of instance types as one more categorical parameter."""

    joint: JointSpace

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The parameters, then one dimension for each group of stages with a choice."""
        types = (
            Dimension(name=TYPE + group.stages[0], domain=CategoricalDomain(group.types))
            for group in self.joint.choices.groups
            if len(group.types) > 1
        )
        return (*self.joint.space.dimensions, *types)

    def configuration(self, flat: Flat) -> Configuration:
        """What a flat mapping stands for; values a library rounded differently are typed."""
        parameters = self.joint.space.cast(
            {name: value for name, value in flat.items() if not name.startswith(TYPE)}
        )
        chosen = tuple(
            str(flat.get(TYPE + group.stages[0], group.types[0]))
            for group in self.joint.choices.groups
        )
        return Configuration(parameters, chosen)

    def of_trial(self, trial: Trial) -> dict[str, ParameterValue]:
        """The flat mapping of a trial."""
        types = {
            TYPE + group.stages[0]: trial.instance_types[group.stages[0]]
            for group in self.joint.choices.groups
            if len(group.types) > 1
        }
        return {**trial.parameters, **types}

    def active(self, flat: Flat) -> Iterator[Dimension]:
        """The dimensions that are active given the values of those before them."""
        return (dimension for dimension in self.dimensions if dimension.is_active(flat))


@dataclass(frozen=True)
class Relaxed:
    """Columns in [0, 1]: one a number, one for each word of a categorical (one-hot)."""

    flat: FlatSpace

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many columns each dimension has."""
        return tuple(
            each.domain.cardinality if isinstance(each.domain, CategoricalDomain) else 1
            for each in self.flat.dimensions
        )

    def __len__(self) -> int:
        return sum(self.widths)

    def encode(self, flat: Flat) -> NDArray[np.float64]:
        """The point of a configuration, shape (p,); inactive numbers at .5, inactive words at 0."""
        parts = []
        for each, width in zip(self.flat.dimensions, self.widths, strict=True):
            if isinstance(each.domain, CategoricalDomain):
                word = str(flat.get(each.name))
                parts.append(np.array([choice == word for choice in each.domain.choices], float))
            else:
                value = flat.get(each.name)
                parts.append(np.full(width, 0.5 if value is None else each.domain.encode(value)))
        return np.concatenate(parts)

    def decode(self, point: NDArray[np.float64]) -> dict[str, ParameterValue]:
        """The configuration nearest to a point of shape (p,): the largest column is the word."""
        values: dict[str, ParameterValue] = {}
        ends = np.cumsum(self.widths)
        for each, end, width in zip(self.flat.dimensions, ends, self.widths, strict=True):
            columns = point[end - width : end]
            if not each.is_active(values):
                continue
            if isinstance(each.domain, CategoricalDomain):
                values[each.name] = each.domain.choices[int(np.argmax(columns))]
            else:
                values[each.name] = each.domain.decode(float(np.clip(columns[0], 0.0, 1.0)))
        return values
