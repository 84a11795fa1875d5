"""The typed part of a pod that a study may shape; all else is the operator's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tuner.spec.base import (
    Flag,
    Integer,
    Label,
    LabelKey,
    LabelValue,
    ListMap,
    Model,
    ShortText,
)
from tuner.spec.environment import Env, EnvFroms
from tuner.spec.meta import LocalReference, TemplateMeta
from tuner.spec.quantities import Quantity
from tuner.spec.volumes import VolumeMounts, Volumes

Identity = Annotated[Integer, Field(ge=0, le=2**31 - 1)]
Resources = Annotated[Mapping[LabelKey, Quantity], Field(max_length=16)]


class ImagePullPolicy(StrEnum):
    """When the kubelet pulls the image."""

    ALWAYS = "Always"
    NEVER = "Never"
    IF_NOT_PRESENT = "IfNotPresent"


class Toleration(Model):
    """Lets a pod onto nodes with a taint."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """The taint's key; omitted with operator Exists = every taint."""
    operator: Annotated[str, Field(pattern=r"^(Exists|Equal)$", max_length=6)] | None = None
    """Exists or Equal, the default."""
    value: LabelValue | None = None
    """The taint's value."""
    effect: (
        Annotated[str, Field(pattern=r"^(NoSchedule|PreferNoSchedule|NoExecute)?$", max_length=16)]
        | None
    ) = None
    """NoSchedule, PreferNoSchedule or NoExecute; omitted = all."""
    toleration_seconds: Integer | None = None
    """How long NoExecute is put up with, in seconds."""


class SeccompProfile(Model):
    """A seccomp profile."""

    type: Annotated[str, Field(pattern=r"^(RuntimeDefault|Unconfined|Localhost)$", max_length=16)]
    """RuntimeDefault, Unconfined or Localhost."""
    localhost_profile: ShortText | None = None
    """The profile's path, with type Localhost."""


class SeLinuxOptions(Model):
    """An SELinux label."""

    level: ShortText | None = None
    """The level."""
    role: ShortText | None = None
    """The role."""
    type: ShortText | None = None
    """The type."""
    user: ShortText | None = None
    """The user."""


class PodSecurityContext(Model):
    """Identity of the whole pod: agent and stage share it."""

    run_as_user: Identity | None = None
    """User; 65532 if omitted."""
    run_as_group: Identity | None = None
    """Group; 65532 if omitted."""
    run_as_non_root: Flag | None = None
    """Refuses to start as root."""
    fs_group: Identity | None = None
    """Group that owns the volumes; 65532 if omitted."""
    fs_group_change_policy: (
        Annotated[str, Field(pattern=r"^(OnRootMismatch|Always)$", max_length=16)] | None
    ) = None
    """OnRootMismatch spares large volumes a change of every file."""
    supplemental_groups: Annotated[tuple[Identity, ...], Field(max_length=32)] | None = None
    """Further groups."""
    seccomp_profile: SeccompProfile | None = None
    """The seccomp profile; RuntimeDefault if omitted."""
    se_linux_options: SeLinuxOptions | None = None
    """The SELinux label."""


class Capabilities(Model):
    """Linux capabilities."""

    add: Annotated[tuple[ShortText, ...], Field(max_length=32)] | None = None
    """Added; the namespace's pod security standard decides what is allowed."""
    drop: Annotated[tuple[ShortText, ...], Field(max_length=32)] | None = None
    """Dropped; ALL if omitted."""


class ContainerSecurityContext(Model):
    """What the container may do; privileged containers are not offered."""

    allow_privilege_escalation: Flag | None = None
    """Whether setuid programs work."""
    capabilities: Capabilities | None = None
    """Linux capabilities."""
    read_only_root_filesystem: Flag | None = None
    """Whether the image's files are read-only."""
    run_as_non_root: Flag | None = None
    """Refuses to start as root."""
    seccomp_profile: SeccompProfile | None = None
    """The seccomp profile."""


class ContainerClaim(Model):
    """A resource claim of the pod that the container uses."""

    name: Label
    """The claim's name in the pod."""
    request: ShortText | None = None
    """One request of the claim."""


class ResourceRequirements(Model):
    """Resources of the container, over those of the instance type."""

    requests: Resources | None = None
    """What is reserved."""
    limits: Resources | None = None
    """What is never exceeded."""
    claims: Annotated[tuple[ContainerClaim, ...], Field(max_length=8), ListMap("name")] | None = (
        None
    )
    """Resource claims of the pod that the container uses."""


class Container(Model):
    """What may be said about the one container; its image and command come from the stage."""

    name: Label
    """stage in a pipeline's template, worker in the workers'."""
    env: Env | None = None
    """Environment variables."""
    env_from: EnvFroms | None = None
    """Sources of many variables."""
    volume_mounts: VolumeMounts | None = None
    """Where volumes appear."""
    resources: ResourceRequirements | None = None
    """Resources."""
    security_context: ContainerSecurityContext | None = None
    """What the container may do."""
    image_pull_policy: ImagePullPolicy | None = None
    """When the image is pulled."""


class PodResourceClaim(Model):
    """A resource claim (DRA): exactly one of the two sources."""

    name: Label
    """The claim's name in the pod."""
    resource_claim_name: ShortText | None = None
    """An existing ResourceClaim."""
    resource_claim_template_name: ShortText | None = None
    """A ResourceClaimTemplate; one claim is made for each pod."""


class PodSpec(Model):
    """The part of a pod's spec that a study may set; host namespaces and hostPath are not in it."""

    service_account_name: ShortText | None = None
    """A service account labelled tuner.dev/allow-trials=true; its token is never mounted."""
    image_pull_secrets: (
        Annotated[tuple[LocalReference, ...], Field(max_length=16), ListMap("name")] | None
    ) = None
    """Secrets with registry credentials."""
    node_selector: Annotated[Mapping[LabelKey, LabelValue], Field(max_length=32)] | None = None
    """Further labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] | None = None
    """Further taints that are put up with."""
    volumes: Volumes | None = None
    """Volumes."""
    priority_class_name: ShortText | None = None
    """The pod's priority class."""
    runtime_class_name: ShortText | None = None
    """The pod's runtime class."""
    scheduler_name: ShortText | None = None
    """The scheduler that places the pod."""
    security_context: PodSecurityContext | None = None
    """Identity of the pod."""
    resource_claims: (
        Annotated[tuple[PodResourceClaim, ...], Field(max_length=8), ListMap("name")] | None
    ) = None
    """Resource claims."""
    termination_grace_period_seconds: Annotated[Integer, Field(ge=1, le=3600)] | None = None
    """Seconds between SIGTERM and SIGKILL; 90 if omitted."""
    containers: Annotated[tuple[Container, ...], Field(max_length=1), ListMap("name")] | None = None
    """The one container."""


class PodTemplate(Model):
    """What is added to every pod."""

    metadata: TemplateMeta | None = None
    """Labels and annotations."""
    spec: PodSpec | None = None
    """Fields of the pod."""
