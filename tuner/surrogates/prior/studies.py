"""Earlier studies as they are read from their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.space import SearchSpace
from tuner.space.values import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceObservation:
    """What a trial showed at one fidelity.

    Attributes:
        fidelity: Share of the full fidelity, in (0, 1].
        metrics: As reported, by metric.
    """

    fidelity: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTrial:
    """A trial of an earlier study.

    Attributes:
        parameters: Active parameters by name.
        instance_types: Instance type by stage.
        observations: What it showed.
        seconds: What the first run of each stage took; stages that did not run are left out.
    """

    parameters: Mapping[str, ParameterValue]
    instance_types: Mapping[str, str]
    observations: tuple[SourceObservation, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStudy:
    """An earlier study.

    Attributes:
        uid: Names it.
        data: Hash of what it worked on: studies with the same one are nearly the same task.
        space: Its search space.
        maximize: Its metrics that are maximised.
        type_features: Features of its instance types by name.
        trials: In the log's order.
    """

    uid: str
    data: str
    space: SearchSpace
    maximize: frozenset[str]
    type_features: Mapping[str, Mapping[str, float]]
    trials: tuple[SourceTrial, ...]


def stage_seconds(stage: str) -> str:
    """The name under which a prior knows the natural logarithm of a stage's seconds."""
    return f"seconds of {stage}"
