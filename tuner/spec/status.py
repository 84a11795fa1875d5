"""TuningStudy.status: a bounded summary; everything else is in the study's log."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tuner.spec.base import (
    Integer,
    ListMap,
    Message,
    Model,
    Real,
    Scalar,
    ShortText,
    Subdomain,
    Timestamp,
)
from tuner.spec.conditions import Condition
from tuner.spec.objectives import MetricName
from tuner.spec.parameters import ParameterName
from tuner.spec.pipeline import StageName

MAX_FRONT = 20
"""How many points of the front the status shows."""

Count = Annotated[Integer, Field(ge=0)]
Usd = Annotated[Real, Field(ge=0)]
Seconds = Annotated[Real, Field(ge=0)]
Conditions = Annotated[tuple[Condition, ...], Field(max_length=16), ListMap("type")]
Values = Annotated[Mapping[MetricName, Real], Field(max_length=32)]
InstanceTypes = Annotated[Mapping[StageName, Subdomain], Field(max_length=16)]


class StudyState(StrEnum):
    """How a study stands, for display; programs read the conditions."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class TrialCounts(Model):
    """Trials by state."""

    total: Count = 0
    """All trials."""
    queued: Count = 0
    """Waiting for the budget, a quota or a place."""
    unschedulable: Count = 0
    """Waiting for a node."""
    running: Count = 0
    """Running or starting."""
    completed: Count = 0
    """Ended at full fidelity."""
    stopped: Count = 0
    """Stopped early."""
    failed: Count = 0
    """Failed."""


class StudyCost(Model):
    """What was paid and saved, in USD."""

    spent: Usd = 0.0
    """Paid in all."""
    workers: Usd = 0.0
    """Of it for the pods that propose."""
    preempted: Usd = 0.0
    """Of it for attempts that the infrastructure ended."""
    saved_by_cache: Usd = 0.0
    """What stages taken from the cache would have cost."""
    saved_by_stopping: Usd = 0.0
    """What stopped trials would have cost to their end."""


class ParetoPoint(Model):
    """A trial on the front: none is better in every objective."""

    trial: ShortText
    """The trial."""
    parameters: Annotated[Mapping[ParameterName, Scalar], Field(max_length=64)]
    """Its active parameters."""
    instance_types: InstanceTypes
    """Its instance types by stage."""
    objectives: Values
    """Its objectives."""
    predicted: Annotated[tuple[MetricName, ...], Field(max_length=8)] | None = None
    """Objectives of which a part is predicted: a stage did not run on these types."""


class ScarceType(Model):
    """An instance type that cannot take as many trials as the study runs."""

    instance_type: Subdomain
    """The instance type."""
    room: Count
    """How many trials of this study it can take, those that use it now included."""
    reason: ShortText
    """Full, Unschedulable or NoNodes."""
    message: Message = ""
    """Why, in one sentence."""


class StudySummary(Model):
    """Short texts for the columns of kubectl get."""

    trials: ShortText = ""
    """Trials ended, and of them stopped: 43 (18 stopped)."""
    best: ShortText = ""
    """The best value of the first objective."""
    spent: ShortText = ""
    """Dollars spent, of those allowed: 61.40/200."""
    left: ShortText = ""
    """What is left before the first limit: trials, dollars or time."""


class TuningStudyStatus(Model):
    """What was found, in brief."""

    observed_generation: Count | None = None
    """The generation of the spec that this status is about."""
    state: StudyState | None = None
    """For display: Pending, Running, Suspended, Succeeded or Failed."""
    conditions: Conditions | None = None
    """Accepted, StoreReachable, WorkersReady, TransferReady, Progressing, Suspended, Succeeded."""
    trials: TrialCounts | None = None
    """Trials by state."""
    cost: StudyCost | None = None
    """What was paid and saved, in USD."""
    best: ParetoPoint | None = None
    """Best in the first objective among the feasible at full fidelity."""
    pareto_front: Annotated[tuple[ParetoPoint, ...], Field(max_length=MAX_FRONT)] | None = None
    """The best trade-offs, at most 20; tuner front shows all."""
    front_size: Count | None = None
    """How many trials are on the front."""
    hypervolume: Real | None = None
    """The volume that the front dominates; it only grows."""
    scarce: (
        Annotated[tuple[ScarceType, ...], Field(max_length=64), ListMap("instance_type")] | None
    ) = None
    """Instance types with too little room now; searches propose others meanwhile."""
    parallel_trials: Count | None = None
    """Trials running now, for the scale subresource."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Labels of the trial pods, for the scale subresource."""
    start_time: Timestamp | None = None
    """When the first trial pod was made."""
    completion_time: Timestamp | None = None
    """When the study ended, however it ended."""
    running_seconds: Annotated[Real, Field(ge=0)] | None = None
    """How long the study has run, suspensions left out."""
    summary: StudySummary | None = None
    """Texts for the columns of kubectl get."""
