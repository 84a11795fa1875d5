"""TuningTrial: one proposal, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tuner.spec.base import (
    Flag,
    Integer,
    Label,
    ListMap,
    Message,
    Model,
    Scalar,
    ShortText,
    Subdomain,
    Text,
    Timestamp,
)
from tuner.spec.meta import ObjectMeta
from tuner.spec.objectives import MetricName
from tuner.spec.parameters import ParameterName
from tuner.spec.pipeline import StageName
from tuner.spec.status import Conditions, Count, Seconds, Usd, Values
from tuner.spec.why import Why

StageTypes = Annotated[Mapping[StageName, Subdomain], Field(min_length=1, max_length=16)]
StagePrices = Annotated[Mapping[Subdomain, Usd], Field(max_length=16)]


class TrialState(StrEnum):
    """How a trial stands; the states are told apart honestly."""

    QUEUED = "Queued"
    """Not admitted yet: the budget, a quota or a gate holds it back."""
    REJECTED = "Rejected"
    """Not a proposal of this study: never started."""
    UNSCHEDULABLE = "Unschedulable"
    """Its pod finds no node."""
    STARTING = "Starting"
    """Its pod has a node and does not run yet, or is being made again."""
    RUNNING = "Running"
    """A stage runs."""
    PAUSED = "Paused"
    """Checkpointed; it goes on later."""
    COMPLETED = "Completed"
    """Ended at full fidelity."""
    STOPPED = "Stopped"
    """Ended early by a rung or a limit."""
    FAILED = "Failed"
    """A stage failed."""
    CANCELLED = "Cancelled"
    """Withdrawn: by the user, the budget, or for want of a node."""

    @property
    def is_final(self) -> bool:
        """Whether the trial has ended for good."""
        return self in _FINAL


_FINAL = frozenset(
    {
        TrialState.REJECTED,
        TrialState.COMPLETED,
        TrialState.STOPPED,
        TrialState.FAILED,
        TrialState.CANCELLED,
    }
)


class TuningTrialSpec(Model):
    """A proposal: parameters and instance types. The commands come from the study alone."""

    study: Annotated[Label, Field(max_length=40)]
    """The study that owns the trial."""
    worker: Annotated[Integer, Field(ge=0, le=9999)]
    """Ordinal of the worker that proposed it."""
    number: Annotated[Integer, Field(ge=0, le=10_000_000)]
    """Ordinal of the proposal among that worker's."""
    parameters: Annotated[Mapping[ParameterName, Scalar], Field(max_length=64)]
    """The active parameters: numbers and words."""
    instance_types: StageTypes
    """The instance type of each stage."""
    bracket: Annotated[Integer, Field(ge=0, le=7)] = 0
    """Hyperband's bracket."""
    why: Why | None = None
    """What led to the proposal."""


class StageState(StrEnum):
    """How a stage of a trial ended."""

    CACHED = "Cached"
    RUN = "Run"
    STOPPED = "Stopped"
    FAILED = "Failed"


class StageStatus(Model):
    """How one stage ended."""

    name: StageName
    """The stage."""
    outcome: StageState
    """Cached or Run; Stopped or Failed if it did not reach its end."""
    seconds: Seconds | None = None
    """How long it ran; for Cached, how long it ran when it ran."""
    cost: Usd | None = None
    """What it cost, in USD; for Cached, what it cost when it ran."""
    message: Text | None = None
    """Why it was not found in the cache, or why it failed."""


class SegmentNode(Model):
    """The node of a segment, as its labels say."""

    name: ShortText | None = None
    """The node's name."""
    instance_type: ShortText | None = None
    """node.kubernetes.io/instance-type."""
    zone: ShortText | None = None
    """topology.kubernetes.io/zone."""
    capacity_type: ShortText | None = None
    """Spot or on demand, as the provider's label says."""


class Segment(Model):
    """Consecutive stages in one pod: the last attempt, and the cost of all."""

    stages: Annotated[tuple[StageName, ...], Field(min_length=1, max_length=16)]
    """The stages of this segment."""
    pod: ShortText | None = None
    """The pod of the last attempt."""
    instance_type: Subdomain
    """Where it runs."""
    node: SegmentNode | None = None
    """The node of the last attempt."""
    attempt: Annotated[Integer, Field(ge=1, le=10_000)]
    """The last attempt, from 1; written before its pod is made."""
    price_per_hour: Usd | None = None
    """USD, as admitted; written before the pod is made."""
    worst_cost: Usd | None = None
    """USD that the trial may have cost at the end of this attempt; omitted = unbounded."""
    deadline_seconds: Seconds | None = None
    """How long the attempt may run, as admitted; the kubelet enforces it."""
    bound: ShortText | None = None
    """What that deadline enforces: TrialLimit, Budget or Deadline."""
    held: Flag | None = None
    """The last attempt was made ahead and waits for a place, or ended so (workers.lookAhead)."""
    release_time: Timestamp | None = None
    """When an attempt that was made ahead got its place; its deadline counts from then."""
    start_time: Timestamp | None = None
    """When the last attempt was bound to a node."""
    end_time: Timestamp | None = None
    """When the last attempt ended."""
    cost: Usd | None = None
    """USD of the last attempt."""
    earlier_cost: Usd | None = None
    """USD of the attempts before it."""
    reason: ShortText | None = None
    """How the last attempt ended, in one word."""


class TrialSummary(Model):
    """Short texts for the columns of kubectl get."""

    type: ShortText = ""
    """The instance type that matters most."""
    fidelity: ShortText = ""
    """Fidelity reached, of the full: 9/27."""
    objectives: ShortText = ""
    """The objectives, in the study's order."""


class TuningTrialStatus(Model):
    """How a trial stands; written by the operator alone."""

    observed_generation: Count | None = None
    """The generation of the spec that this status is about."""
    state: TrialState | None = None
    """How it stands."""
    reason: ShortText | None = None
    """Why, in one word, such as OutOfMemory, TrialLimit or Budget."""
    message: Message | None = None
    """Why, in one sentence: the scheduler's words, the exit code and last lines, the rule."""
    fidelity: Seconds | None = None
    """Fidelity reached."""
    rung: Seconds | None = None
    """The last rung at which it was paused; it goes on once it is promoted from there."""
    metrics: Values | None = None
    """The metrics, each as its objective counts it."""
    predicted: Annotated[tuple[MetricName, ...], Field(max_length=8)] | None = None
    """Metrics of which a part is predicted."""
    cost: Usd | None = None
    """USD paid for it, lost attempts included."""
    lost_cost: Usd | None = None
    """Of it, USD of attempts that the infrastructure ended."""
    prices: StagePrices | None = None
    """USD per hour of its instance types when it was admitted; later changes are for new trials."""
    runtime: Seconds | None = None
    """Seconds from scratch."""
    attempts: Count | None = None
    """Pods made so far."""
    infrastructure_failures: Count | None = None
    """Attempts that the infrastructure ended; trialLimits.maxAttempts bounds them."""
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=16), ListMap("name")] | None = None
    """How each stage ended."""
    segments: Annotated[tuple[Segment, ...], Field(max_length=16)] | None = None
    """Pods, one entry a segment."""
    conditions: Conditions | None = None
    """Succeeded."""
    start_time: Timestamp | None = None
    """When it was admitted."""
    completion_time: Timestamp | None = None
    """When it ended."""
    summary: TrialSummary | None = None
    """Texts for the columns of kubectl get."""


class TuningTrial(Model):
    """A trial: one configuration of a study, proposed by a worker and run by the operator."""

    api_version: Literal["tuner.dev/v1alpha1"] = "tuner.dev/v1alpha1"
    """tuner.dev/v1alpha1."""
    kind: Literal["TuningTrial"] = "TuningTrial"
    """TuningTrial."""
    metadata: ObjectMeta
    """Name, namespace, owner."""
    spec: TuningTrialSpec
    """The proposal; immutable."""
    status: TuningTrialStatus | None = None
    """How it stands; written by the operator alone."""
