"""Trials of an earlier study as points of the new study's space.

Parameters are matched by name; a name stands for a unit, so values carry over as they are, on the
new parameter's scale. A value outside the new bounds lies outside [0, 1]. What the earlier study
did not have, or what has no place on the new scale, lies in the middle and counts as inactive; as
no trial of that study differs there, its emulator finds no influence (`emulators`). An unseen
category has no column set. An instance type that the features do not know is the most similar of
those that they do (`types` says which they know).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.hardware import Group
from tuner.space import CategoricalDomain, Domain, FloatDomain, IntegerDomain, OrdinalDomain
from tuner.space.space import INACTIVE
from tuner.space.values import ParameterValue
from tuner.surrogates.features import FeatureMap
from tuner.surrogates.points import Points
from tuner.surrogates.prior.studies import SourceStudy, SourceTrial

BEYOND = 0.5
"""How far outside [0, 1] a coordinate may lie."""


def matched(study: SourceStudy, features: FeatureMap) -> Points:
    """The study's trials in the new study's space, at full fidelity, in order."""
    dimensions = features.space.dimensions
    unit = np.full((len(study.trials), len(dimensions)), INACTIVE)
    active = np.zeros(unit.shape, dtype=np.bool_)
    for row, trial in enumerate(study.trials):
        for column, dimension in enumerate(dimensions):
            value = trial.parameters.get(dimension.name)
            place = None if value is None else coordinate(dimension.domain, value)
            if place is not None:
                unit[row, column] = min(max(place, -BEYOND), 1.0 + BEYOND)
                active[row, column] = True
    types = [
        [_type(trial, group, study, features) for group in features.groups]
        for trial in study.trials
    ]
    shape = (len(study.trials), len(features.groups))
    return Points(
        unit, active, np.array(types, dtype=np.intp).reshape(shape), np.ones(len(study.trials))
    )


def on_known_types(study: SourceStudy, features: FeatureMap, stage: str) -> NDArray[np.bool_]:
    """Which trials ran a stage on a type that the features know, shape (n,).

    Only their seconds say what they seem to say.
    """
    allowed = {name for group in features.groups if stage in group.stages for name in group.types}
    return np.array([trial.instance_types.get(stage) in allowed for trial in study.trials], bool)


def coordinate(domain: Domain, value: ParameterValue) -> float | None:
    """Where a value lies on a domain's unit interval, or beyond; None if it has no place.

    Inside the bounds it is what the domain's own `encode` gives.
    """
    if isinstance(domain, CategoricalDomain):
        return domain.encode(value) if value in domain.choices else None
    if isinstance(value, str) or not math.isfinite(value):
        return None
    if isinstance(domain, OrdinalDomain):
        return _between(domain.values, float(value))
    if isinstance(domain, FloatDomain | IntegerDomain):
        return _ranged(domain, float(value))
    return None


def _ranged(domain: FloatDomain | IntegerDomain, value: float) -> float | None:
    cells = domain.step is not None or isinstance(domain, IntegerDomain)
    if domain.log and domain.step is None:
        half = 0.5 if isinstance(domain, IntegerDomain) else 0.0
        if value <= 0.0:
            return None
        start = math.log(domain.low - half)
        width = math.log(domain.high + half) - start
        return (math.log(value) - start) / width if width > 0.0 else INACTIVE
    if domain.low == domain.high:
        return INACTIVE
    if cells:
        return ((value - domain.low) / (domain.step or 1) + 0.5) / (domain.cardinality or 1)
    return (value - domain.low) / (domain.high - domain.low)


def _between(values: Sequence[float], value: float) -> float:
    """Linear between the middles of the listed numbers' cells; the nearest end beyond them."""
    order = np.argsort(values)
    places = (order + 0.5) / len(values)
    return float(np.interp(value, np.asarray(values, dtype=np.float64)[order], places))


def _type(trial: SourceTrial, group: Group, study: SourceStudy, features: FeatureMap) -> int:
    named = [trial.instance_types[stage] for stage in group.stages if stage in trial.instance_types]
    used = set(trial.instance_types.values())
    name = named[0] if named else (used.pop() if len(used) == 1 else "")
    if name in group.types:
        return group.types.index(name)
    theirs = study.type_features.get(name, {})
    distances = [_apart(theirs, features.type_features.get(one, {})) for one in group.types]
    return int(np.argmin(distances)) if distances else 0


def _apart(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Squared distance over the features that both have; they are logarithms and counts."""
    return sum((one[name] - other[name]) ** 2 for name in one.keys() & other.keys())
