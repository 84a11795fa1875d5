"""What a benchmark is run on: anything that declares itself as a manifest would, and answers twice.

To plug in a problem of your own, write a function that returns an object with `declared`, `seconds`
and `metrics` (see `Problem`) and name it on the command line: `--problem FILE.py:FUNCTION`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tuner.trial import ParameterValue

Values = Mapping[str, ParameterValue]

USD_PER_SECOND = 3600.0
"""An hourly price at which a second costs one dollar: then dollars and seconds are one figure."""


@dataclass(frozen=True, slots=True)
class ProblemStage:
    """A stage and the parameters that it reads; the next stages read its output."""

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial:
    """One trial of an earlier study, run to its end.

    Attributes:
        parameters: Its configuration.
        instance_types: By stage.
        metrics: Objectives by metric, built-ins included.
        seconds: By stage, from scratch.
        curve: Metrics by fidelity below the full one.
    """

    parameters: Values
    instance_types: Mapping[str, str]
    metrics: Mapping[str, float]
    seconds: Mapping[str, float]
    curve: Mapping[float, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierStudy:
    """A finished study of the same pipeline on other data.

    Attributes:
        name: Of the study.
        data: What tells its data from those of other studies.
        trials: All of them completed.
    """

    name: str
    data: str
    trials: tuple[EarlierTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a problem says of itself, in the words of the manifests.

    Attributes:
        name: A DNS label.
        parameters: `spec.parameters`.
        stages: In order; every parameter belongs to exactly one.
        objectives: `spec.objectives`.
        instance_types: `InstanceType.spec` by name.
        fidelity: `spec.fidelity`.
        restore_seconds: What a cached stage costs in its place.
        earlier: Studies to learn from.
        facts: For the report: what it is made of, how well a replay fits.
    """

    name: str
    parameters: Sequence[Mapping[str, object]]
    stages: Sequence[ProblemStage]
    objectives: Sequence[Mapping[str, object]]
    instance_types: Mapping[str, Mapping[str, object]] = field(
        default_factory=lambda: {"machine": {"pricePerHour": USD_PER_SECOND}}
    )
    fidelity: Mapping[str, object] | None = None
    restore_seconds: float = 0.0
    earlier: Sequence[EarlierStudy] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


class Problem(Protocol):
    """A pipeline whose times and metrics can be computed; pure, so that a seed gives one study."""

    @property
    def declared(self) -> Declared:
        """What it is."""

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """How long a stage takes from its beginning to a fidelity, from scratch.

        Args:
            stage: Its name.
            parameters: Of this stage and all before it.
            instance_type: Where it runs.
            fidelity: Units done; 1.0 for stages without fidelity.
        """

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """What the stage reports at that fidelity; empty for most stages. Arguments as above."""
