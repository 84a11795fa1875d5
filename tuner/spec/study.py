"""TuningStudy: what the user asks for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tuner.spec.base import (
    Flag,
    Integer,
    Label,
    Model,
    Real,
    Scalar,
    Subdomain,
    Timestamp,
    Unique,
)
from tuner.spec.meta import LabelSelector, ObjectMeta
from tuner.spec.objectives import BUILT_IN, Constraints, Objectives
from tuner.spec.parameters import ParameterName, Parameters
from tuner.spec.pipeline import Fidelity, Hardware, Inputs, Pipeline, StageName
from tuner.spec.pod import PodTemplate
from tuner.spec.quantities import Duration
from tuner.spec.status import TuningStudyStatus

MAX_NAME = 40
"""Longest name of a study: trials and pods append to it and stay DNS labels."""

Usd = Annotated[Real, Field(gt=0)]


class SearcherType(StrEnum):
    """How trials are proposed."""

    AUTO = "Auto"
    RANDOM = "Random"
    SOBOL = "Sobol"
    EEIPU = "EEIPU"
    HYPERBO = "HyperBO"


class SchedulerType(StrEnum):
    """How poor trials are stopped early."""

    HYPERBAND = "Hyperband"
    NONE = "None"


class SchedulerVariant(StrEnum):
    """What happens to a trial at a rung where it is not among the best."""

    STOPPING = "Stopping"
    PROMOTION = "Promotion"


class LookAhead(StrEnum):
    """What a worker does before a trial has ended whose place the next one takes."""

    NONE = "None"
    PROPOSAL = "Proposal"
    TRIAL = "Trial"
    POD = "Pod"


class DeletionPolicy(StrEnum):
    """What becomes of a deleted study's log and artifacts."""

    RETAIN = "Retain"
    DELETE = "Delete"


class InitialTrial(Model):
    """A configuration to try first, such as today's production."""

    name: Label
    """What to call it in comparisons."""
    parameters: Annotated[Mapping[ParameterName, Scalar], Field(min_length=1, max_length=64)]
    """Values of the active parameters; those left out are proposed by the searcher."""
    instance_types: Annotated[Mapping[StageName, Subdomain], Field(max_length=16)] | None = None
    """Instance types by stage; those left out are proposed by the searcher."""


class Scheduler(Model):
    """Early stopping."""

    type: SchedulerType = SchedulerType.HYPERBAND
    """Hyperband needs fidelity; None lets every trial run to its end."""
    variant: SchedulerVariant = SchedulerVariant.PROMOTION
    """Promotion pauses a poor trial at a rung, to go on from its checkpoint; Stopping ends it."""
    reduction_factor: Annotated[Integer, Field(ge=2, le=16)] = 3
    """At each rung about one in this many trials goes on."""
    brackets: Annotated[Integer, Field(ge=1, le=8)] = 1
    """How many first rungs are tried side by side."""


class SearcherSpec(Model):
    """Who proposes trials."""

    type: SearcherType = SearcherType.AUTO
    """Auto: all that is known; EEIPU: no earlier studies; HyperBO: neither costs nor cache."""
    seed: Annotated[Integer, Field(ge=0, le=2**31 - 1)] = 0
    """Same seed and same results give the same proposals."""


class Transfer(Model):
    """Earlier studies of this namespace to learn from, finished or running; chosen at the start."""

    studies: Annotated[tuple[Subdomain, ...], Field(max_length=32), Unique()] | None = None
    """Studies by name; one that does not exist is told of, and the study goes on without it."""
    selector: LabelSelector | None = None
    """Studies by label."""


class Workers(Model):
    """The pods that propose trials."""

    trials_per_worker: Annotated[Integer, Field(ge=1, le=1024)] = 8
    """How many parallel trials one worker looks after; from it follows how many there are."""
    look_ahead: LookAhead = LookAhead.NONE
    """Proposal: compute the next proposal while trials run; Trial: queue the next trial, too; Pod:
    start pods ahead of their places, too, where evaluations are short, and pay for them.
    Places are refilled sooner, by proposals that know a little less."""
    pod_template: PodTemplate | None = None
    """What is added to every worker pod; its container is called worker."""


class Budget(Model):
    """When the study ends; at least one field."""

    max_trials: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None
    """How many trials may end."""
    max_cost: Usd | None = None
    """How much the study may spend, in USD, workers and lost attempts included."""
    max_duration: Duration | None = None
    """How long the study may run, from its first trial pod on, suspensions left out."""
    deadline: Timestamp | None = None
    """When the study ends whatever it has found."""


class TrialLimits(Model):
    """Bounds of a single trial."""

    max_duration: Duration | None = None
    """How long a trial may run."""
    max_cost: Usd | None = None
    """How much a trial may spend, in USD."""
    pending_timeout: Duration = "20m"
    """How long a pod may wait for a node or an image before the trial is withdrawn."""
    max_attempts: Annotated[Integer, Field(ge=1, le=100)] = 5
    """How often a trial is started again after failures of the infrastructure."""


class TuningStudySpec(Model):
    """What to optimise, over which parameters and instance types, and for how much."""

    objectives: Objectives
    """What to optimise; with several, the result is the set of best trade-offs."""
    constraints: Constraints | None = None
    """Bounds that a result must keep."""
    parameters: Parameters
    """The search space: each entry is one parameter, a float, integer, ordinal or categorical."""
    initial_trials: (
        Annotated[tuple[InitialTrial, ...], Field(max_length=16), Unique("name")] | None
    ) = None
    """Configurations to try first."""
    inputs: Inputs | None = None
    """Data from outside that stages read."""
    hardware: Hardware
    """The instance types that trials may use."""
    pipeline: Pipeline
    """What a trial runs."""
    fidelity: Fidelity | None = None
    """How far a stage trains; needed for early stopping."""
    scheduler: Scheduler | None = None
    """Early stopping; omitted = Hyperband with fidelity, None without."""
    searcher: SearcherSpec = SearcherSpec()
    """Who proposes trials."""
    transfer: Transfer | None = None
    """Earlier studies to learn from."""
    parallel_trials: Annotated[Integer, Field(ge=0, le=10_000)] = 1
    """How many trials run at a time; kubectl scale sets it."""
    workers: Workers = Workers()
    """The pods that propose trials."""
    budget: Budget
    """When the study ends."""
    trial_limits: TrialLimits = TrialLimits()
    """Bounds of a single trial."""
    max_failed_trials: Annotated[Integer, Field(ge=1, le=10_000)] = 5
    """The study fails with this many failed trials, or when the first three fail alike."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """What becomes of log and artifacts when the study is deleted."""
    ttl_seconds_after_finished: Annotated[Integer, Field(ge=0, le=2**31 - 1)] | None = None
    """Deletes the study this many seconds after its end; omitted = never."""
    suspend: Flag = False
    """Stops running trials at a checkpoint; false lets them go on from there."""

    @property
    def early_stopping(self) -> Scheduler:
        """The scheduler in force, the default filled in."""
        if self.scheduler is not None:
            return self.scheduler
        kind = SchedulerType.NONE if self.fidelity is None else SchedulerType.HYPERBAND
        return Scheduler(type=kind)

    @property
    def reported_metrics(self) -> frozenset[str]:
        """The metrics of objectives and constraints that stages must report."""
        objectives = {objective.metric for objective in self.objectives}
        constraints = {constraint.metric for constraint in self.constraints or ()}
        return frozenset((objectives | constraints) - BUILT_IN)


class TuningStudy(Model):
    """A study: it tunes one pipeline over parameters and instance types within a budget."""

    api_version: Literal["tuner.dev/v1alpha1"] = "tuner.dev/v1alpha1"
    """tuner.dev/v1alpha1."""
    kind: Literal["TuningStudy"] = "TuningStudy"
    """TuningStudy."""
    metadata: ObjectMeta
    """Name (at most 40 characters), namespace, labels; the labels go to every pod."""
    spec: TuningStudySpec
    """What is asked for."""
    status: TuningStudyStatus | None = None
    """What was found; written by the operator alone."""
