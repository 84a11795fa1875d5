"""The plan: everything an agent must know, as one JSON document (docs/design/0001)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.trial import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """One stage of a trial, rendered.

    Attributes:
        name: The stage's name.
        argv: The command, every `$(TUNER_...)` expanded.
        env: This stage's environment beyond the container's own (TUNER_* and the user's env).
        parameters: The declared, active parameters, typed; the content of TUNER_PARAMETERS.
        key: The stage key, which names its artifact; sha256 hex.
        reuse: Whether a cached artifact may stand in for running it (False: `cache: Never`).
        instance_type: Where this trial runs it.
        price_per_hour: USD, of that type, as admitted.
        timeout_seconds: None for no limit of its own.
        run: False for stages of earlier segments, whose artifacts are restored only.
        components: What the key was made of, each part as a short text, to explain misses.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    parameters: Mapping[str, ParameterValue]
    key: str
    reuse: bool
    instance_type: str
    price_per_hour: float
    timeout_seconds: float | None
    run: bool
    components: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivePlan:
    """One objective as the agent needs it: which value of which metric, from which stage if any."""

    metric: str
    minimize: bool
    best: bool
    stage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FidelityPlan:
    """The fidelity of one stage: `name` counts units, up to `maximum`; decisions at `rungs`.

    Attributes:
        name: The key in reports.
        stage: Which stage trains.
        maximum: Full fidelity.
        rungs: Where it is decided, rising.
        reduction_factor: Eta.
        restart: Whether the stage begins anew after each rung.
        promotes: Whether a trial that is not among the best is paused rather than stopped.
        promoted: The highest rung from which this trial was promoted; 0 before the first.
    """

    name: str
    stage: str
    maximum: float
    rungs: tuple[float, ...]
    reduction_factor: float
    restart: bool
    promotes: bool = False
    promoted: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """One attempt of one segment of one trial.

    Attributes:
        study_prefix: `studies/<namespace>/<study>.<uid>`.
        cache_prefix: `cache/<namespace>`.
        trial: The trial's name.
        attempt: Which pod of the trial, from 1.
        segment: Which run of consecutive stages, from 0.
        last: Whether the pipeline ends with this segment.
        bracket: Hyperband's bracket.
        stages: The pipeline's stages up to the end of this segment, in order.
        objectives: The study's objectives in order.
        fidelity: None without fidelity.
        grace_seconds: Between SIGTERM and SIGKILL of a stage.
        layout: Base folder of the files shared with the runner (`/tuner` in a pod).
    """

    study_prefix: str
    cache_prefix: str
    trial: str
    attempt: int
    segment: int
    last: bool
    bracket: int
    stages: tuple[StagePlan, ...]
    objectives: tuple[ObjectivePlan, ...]
    fidelity: FidelityPlan | None
    grace_seconds: float
    layout: str
