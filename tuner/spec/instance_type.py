"""InstanceType: a kind of machine that the platform team offers, with its price."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tuner.spec.base import (
    Integer,
    Label,
    LabelKey,
    LabelValue,
    Model,
    Real,
    ShortText,
    Timestamp,
    Unique,
)
from tuner.spec.environment import Env
from tuner.spec.meta import ObjectMeta
from tuner.spec.pod import Toleration
from tuner.spec.quantities import Duration, Quantity
from tuner.spec.status import Conditions, Count


class CapacityType(StrEnum):
    """Whether the provider may take the machine back."""

    ON_DEMAND = "OnDemand"
    SPOT = "Spot"


class Accelerator(Model):
    """The accelerators of one machine."""

    product: ShortText
    """The product, such as A100-SXM4-80GB."""
    count: Annotated[Integer, Field(ge=1, le=64)] = 1
    """How many."""
    memory: Quantity | None = None
    """Memory of each."""


class InstanceTypeSpec(Model):
    """What a trial gets on this type, where it finds it and what it costs."""

    price_per_hour: Annotated[Real, Field(ge=0)] | None = None
    """USD; studies with a cost objective or budget need it."""
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    """OnDemand or Spot; a spot twin is an InstanceType of its own."""
    preempted_seconds_per_hour: Annotated[Real, Field(ge=0, le=3600)] | None = None
    """Work expected to be lost to preemption, in seconds an hour, until more is observed."""
    node_selector: Annotated[Mapping[LabelKey, LabelValue], Field(max_length=32)] | None = None
    """Labels of the nodes of this type."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] | None = None
    """Taints of the nodes of this type that are put up with."""
    resources: Annotated[Mapping[LabelKey, Quantity], Field(max_length=16)] | None = None
    """What a trial reserves: cpu, memory, nvidia.com/gpu and so on; also its limits."""
    accelerator: Accelerator | None = None
    """The accelerators, as a description."""
    max_parallel_trials: Annotated[Integer, Field(ge=0, le=100_000)] | None = None
    """How many trials of all studies may use it at a time; omitted = any number."""
    provisioning_timeout: Duration | None = None
    """How long a node may take to appear; with it, the type is Ready even with no node."""
    allowed_namespaces: (
        Annotated[tuple[Label, ...], Field(min_length=1, max_length=256), Unique()] | None
    ) = None
    """Namespaces whose studies may use it; omitted = all."""
    env: Env | None = None
    """Environment variables of every stage on this type."""
    nodes: Annotated[Integer, Field(ge=1, le=64)] = 1
    """Reserved: nodes that start together. Only 1 is supported."""

    def allows(self, namespace: str) -> bool:
        """Whether studies of the namespace may use the type."""
        return self.allowed_namespaces is None or namespace in self.allowed_namespaces


class InstanceTypeSummary(Model):
    """Short texts for the columns of kubectl get."""

    gpu: ShortText = ""
    """Accelerators: 8 x A100."""


class InstanceTypeStatus(Model):
    """Whether trials can be placed; written by the operator alone."""

    observed_generation: Count | None = None
    """The generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Ready."""
    nodes: Count | None = None
    """Nodes with the labels of this type that can take a trial."""
    newest_node: Timestamp | None = None
    """When the newest of them became ready."""
    running_trials: Count | None = None
    """Trials that use it now."""
    preempted_seconds_per_hour: Annotated[Real, Field(ge=0, le=3600)] | None = None
    """Work lost to preemption, in seconds an hour, as observed; searches count it as spend."""
    summary: InstanceTypeSummary | None = None
    """Texts for the columns of kubectl get."""


class InstanceType(Model):
    """A kind of machine with its price, offered by the platform team."""

    api_version: Literal["tuner.dev/v1alpha1"] = "tuner.dev/v1alpha1"
    """tuner.dev/v1alpha1."""
    kind: Literal["InstanceType"] = "InstanceType"
    """InstanceType."""
    metadata: ObjectMeta
    """Name and labels."""
    spec: InstanceTypeSpec
    """What it offers."""
    status: InstanceTypeStatus | None = None
    """Whether trials can be placed; written by the operator alone."""
