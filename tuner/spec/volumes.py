"""Volumes that a trial pod may mount: the common kinds, and none of the node's own folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from tuner.spec.base import Flag, Integer, Label, ListMap, Model, ShortText, Text
from tuner.spec.environment import FieldRef, ResourceFieldRef
from tuner.spec.quantities import Quantity

Mode = Annotated[Integer, Field(ge=0, le=0o777)]
Path = Annotated[str, Field(min_length=1, max_length=512)]


class KeyToPath(Model):
    """A key shown as a file."""

    key: ShortText
    """The key."""
    path: Path
    """The file's path in the volume."""
    mode: Mode | None = None
    """The file's permission bits."""


KeysToPaths = Annotated[tuple[KeyToPath, ...], Field(max_length=32)]


class ConfigMapVolume(Model):
    """Keys of a ConfigMap as files."""

    name: ShortText
    """The ConfigMap's name."""
    items: KeysToPaths | None = None
    """Which keys; omitted = all."""
    default_mode: Mode | None = None
    """Permission bits of the files."""
    optional: Flag | None = None
    """Whether the ConfigMap may be missing."""


class SecretVolume(Model):
    """Keys of a Secret as files."""

    secret_name: ShortText
    """The Secret's name; the object store's own Secret is refused."""
    items: KeysToPaths | None = None
    """Which keys; omitted = all."""
    default_mode: Mode | None = None
    """Permission bits of the files."""
    optional: Flag | None = None
    """Whether the Secret may be missing."""


class SecretProjection(Model):
    """Keys of a Secret in a projected volume."""

    name: ShortText
    """The Secret's name; the object store's own Secret is refused."""
    items: KeysToPaths | None = None
    """Which keys; omitted = all."""
    optional: Flag | None = None
    """Whether the Secret may be missing."""


class ConfigMapProjection(Model):
    """Keys of a ConfigMap in a projected volume."""

    name: ShortText
    """The ConfigMap's name."""
    items: KeysToPaths | None = None
    """Which keys; omitted = all."""
    optional: Flag | None = None
    """Whether the ConfigMap may be missing."""


class DownwardFile(Model):
    """A field of the pod as a file."""

    path: Path
    """The file's path in the volume."""
    field_ref: FieldRef | None = None
    """A field of the pod."""
    resource_field_ref: ResourceFieldRef | None = None
    """A resource of a container."""
    mode: Mode | None = None
    """The file's permission bits."""


DownwardFiles = Annotated[tuple[DownwardFile, ...], Field(max_length=32)]


class DownwardVolume(Model):
    """Fields of the pod as files."""

    items: DownwardFiles | None = None
    """The files."""
    default_mode: Mode | None = None
    """Permission bits of the files."""


class DownwardProjection(Model):
    """Fields of the pod in a projected volume."""

    items: DownwardFiles | None = None
    """The files."""


class Projection(Model):
    """One source of a projected volume; service-account tokens are not among them."""

    config_map: ConfigMapProjection | None = None
    """Keys of a ConfigMap."""
    secret: SecretProjection | None = None
    """Keys of a Secret."""
    downward_api: Annotated[
        DownwardProjection | None,
        Field(validation_alias="downwardAPI", serialization_alias="downwardAPI"),
    ] = None
    """Fields of the pod."""


class ProjectedVolume(Model):
    """Several sources in one folder."""

    sources: Annotated[tuple[Projection, ...], Field(max_length=16)]
    """The sources."""
    default_mode: Mode | None = None
    """Permission bits of the files."""


class ClaimVolume(Model):
    """A persistent volume claim of the study's namespace."""

    claim_name: ShortText
    """The claim's name."""
    read_only: Flag | None = None
    """Whether it is mounted read-only everywhere."""


class EmptyDirVolume(Model):
    """A folder that lives as long as the pod."""

    medium: Annotated[str, Field(pattern=r"^(Memory|HugePages.*)?$", max_length=32)] | None = None
    """Memory for a folder in memory."""
    size_limit: Quantity | None = None
    """How large it may grow."""


class NfsVolume(Model):
    """A folder of an NFS server."""

    server: ShortText
    """The server's name or address."""
    path: Path
    """The exported path."""
    read_only: Flag | None = None
    """Whether it is mounted read-only."""


class CsiVolume(Model):
    """A volume made by a CSI driver for this pod alone; drivers that need a Secret are refused."""

    driver: ShortText
    """The driver's name."""
    read_only: Flag | None = None
    """Whether it is mounted read-only."""
    fs_type: ShortText | None = None
    """The file system."""
    volume_attributes: Annotated[Mapping[ShortText, Text], Field(max_length=32)] | None = None
    """What the driver wants to know."""


class Volume(Model):
    """A volume of the pod: exactly one kind. Folders of the node (hostPath) are not offered."""

    name: Label
    """The volume's name."""
    config_map: ConfigMapVolume | None = None
    """Keys of a ConfigMap as files."""
    csi: CsiVolume | None = None
    """A volume of a CSI driver."""
    downward_api: Annotated[
        DownwardVolume | None,
        Field(validation_alias="downwardAPI", serialization_alias="downwardAPI"),
    ] = None
    """Fields of the pod as files."""
    empty_dir: EmptyDirVolume | None = None
    """A folder that lives as long as the pod."""
    nfs: NfsVolume | None = None
    """A folder of an NFS server."""
    persistent_volume_claim: ClaimVolume | None = None
    """A persistent volume claim."""
    projected: ProjectedVolume | None = None
    """Several sources in one folder."""
    secret: SecretVolume | None = None
    """Keys of a Secret as files."""


class VolumeMount(Model):
    """Where a volume appears in the container."""

    name: Label
    """The volume's name."""
    mount_path: Path
    """The path in the container."""
    sub_path: Path | None = None
    """A path in the volume."""
    read_only: Flag | None = None
    """Whether the container may only read it."""


Volumes = Annotated[tuple[Volume, ...], Field(max_length=32), ListMap("name")]
VolumeMounts = Annotated[tuple[VolumeMount, ...], Field(max_length=32), ListMap("mount_path")]
