"""Trials and their observations as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ParameterValue = float | int | str


class Outcome(StrEnum):
    """How one attempt of one segment ended, in the agent's words (docs/design/0001)."""

    COMPLETED = "Completed"
    NEXT_SEGMENT = "NextSegment"
    STOPPED = "Stopped"
    PAUSED = "Paused"
    FAILED = "Failed"
    PREFIX_MISSING = "PrefixMissing"
    STORE_LOST = "StoreLost"


class StageOutcome(StrEnum):
    """How a stage of a trial ended."""

    CACHED = "Cached"
    RUN = "Run"
    STOPPED = "Stopped"
    FAILED = "Failed"


class Command(StrEnum):
    """What a running trial can be told, as the annotation `tuner.dev/command`."""

    CHECKPOINT = "checkpoint"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A proposal: which parameters on which instance types.

    Attributes:
        name: `<study>-<worker>-<number>`; a DNS label, unique in the study.
        worker: Ordinal of the worker that proposed it.
        number: Ordinal of the proposal among that worker's.
        parameters: Active parameters by name, typed by the study's space.
        instance_types: Instance type of each stage, by stage name.
        bracket: Hyperband's bracket.
        why: What led to the proposal (searcher, predictions); JSON values.
    """

    name: str
    worker: int
    number: int
    parameters: Mapping[str, ParameterValue]
    instance_types: Mapping[str, str]
    bracket: int = 0
    why: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one trial showed at one fidelity.

    Attributes:
        trial: The trial's name.
        fidelity: Units of the study's fidelity done; 1.0 without fidelity.
        metrics: Objective and other metrics, as reported (never sign-flipped), with the built-ins
            `cost` (USD) and `runtime` (seconds) of this configuration from scratch.
        full: Whether this is the end of the whole pipeline at full fidelity.
    """

    trial: str
    fidelity: float
    metrics: Mapping[str, float]
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """How one stage of a trial went.

    Attributes:
        stage: The stage's name.
        outcome: Cached, Run, Stopped or Failed.
        seconds: What it took here; restoring time when cached.
        cost_usd: `seconds` at this trial's price.
        first_run_seconds: What its first run took (`seconds` unless cached).
        instance_type: Where it ran for the first time.
        predicted: True when it first ran on another type than this trial's.
        metrics: Last or best values reported by this stage, by metric.
        exit_code: Of the stage's process; None when it did not run.
        message: Last lines on failure, or why a cached artifact was missed.
    """

    stage: str
    outcome: StageOutcome
    seconds: float
    cost_usd: float
    first_run_seconds: float
    instance_type: str
    predicted: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    exit_code: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """How an attempt ended, as the agent says: the body of the log's `result` record.

    Attributes:
        trial: The trial's name.
        attempt: Which pod of the trial, from 1.
        outcome: How it ended.
        reason: One word, e.g. `Rung`, `Command`, `ExitCode`, `Timeout`, `MissingMetric`.
        message: One sentence for people.
        fidelity: Fidelity reached.
        metrics: Objectives by metric, built-ins included, as far as they are known.
        stages: Every stage of the trial that was looked at, in order, earlier segments included.
        rung: The rung at which it was paused; None if it was not.
    """

    trial: str
    attempt: int
    outcome: Outcome
    reason: str
    message: str
    fidelity: float
    metrics: Mapping[str, float]
    stages: tuple[StageResult, ...]
    rung: float | None = None


def trial_name(study: str, *, worker: int, number: int) -> str:
    """The deterministic name of a worker's n-th proposal."""
    return f"{study}-{worker}-{number}"
