"""A study's space as a ConfigSpace, which smac and deephyper share."""

from __future__ import annotations

from collections.abc import Mapping

import ConfigSpace as cs
import numpy as np

from benchmarks.peers.flat import Flat, FlatSpace
from tuner.space import CategoricalDomain, Dimension, FloatDomain, IntegerDomain
from tuner.trial import ParameterValue


def config_space(flat: FlatSpace, *, seed: int) -> cs.ConfigurationSpace:
    """The space with its conditions; stepped ranges and ordinals as ordinals."""
    space = cs.ConfigurationSpace(seed=seed)
    for dimension in flat.dimensions:
        space.add(_hyperparameter(dimension))
    for dimension in flat.dimensions:
        if dimension.parent is not None:
            words = sorted(map(str, dimension.when))
            space.add(cs.InCondition(space[dimension.name], space[dimension.parent], words))
    return space


def configuration(space: cs.ConfigurationSpace, flat: Flat) -> cs.Configuration:
    """A configuration of somebody else, as the library knows it."""
    return cs.Configuration(space, values=dict(flat))


def plain(values: Mapping[str, object]) -> dict[str, ParameterValue]:
    """Values as Python's own types."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> ParameterValue:
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no parameter's value")
    return value


def _hyperparameter(dimension: Dimension) -> cs.hyperparameters.Hyperparameter:
    name = dimension.name
    match dimension.domain:
        case FloatDomain(low=low, high=high, log=log, step=None):
            return cs.UniformFloatHyperparameter(name, low, high, log=log)
        case IntegerDomain(low=low, high=high, log=log, step=None | 1):
            return cs.UniformIntegerHyperparameter(name, low, high, log=log)
        case CategoricalDomain(choices=choices):
            return cs.CategoricalHyperparameter(name, choices)
        case other:
            return cs.OrdinalHyperparameter(name, list(other.members()))
