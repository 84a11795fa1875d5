"""Environment variables of a container, and where their values come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tuner.spec.base import Flag, ListMap, Message, Model, ShortText
from tuner.spec.quantities import Quantity

ENV_PATTERN = r"^[-._a-zA-Z][-._a-zA-Z0-9]*$"

EnvName = Annotated[str, Field(min_length=1, max_length=128, pattern=ENV_PATTERN)]


class ConfigMapKey(Model):
    """A key of a ConfigMap."""

    name: ShortText
    """The ConfigMap's name."""
    key: ShortText
    """The key whose value is used."""
    optional: Flag | None = None
    """Whether the ConfigMap or key may be missing."""


class SecretKey(Model):
    """A key of a Secret."""

    name: ShortText
    """The Secret's name; the object store's own Secret is refused."""
    key: ShortText
    """The key whose value is used."""
    optional: Flag | None = None
    """Whether the Secret or key may be missing."""


class FieldRef(Model):
    """A field of the pod."""

    field_path: ShortText
    """The field, such as status.podIP."""
    api_version: ShortText | None = None
    """The version of the pod's schema; v1."""


class ResourceFieldRef(Model):
    """A resource of a container."""

    resource: ShortText
    """The resource, such as limits.cpu."""
    container_name: ShortText | None = None
    """The container; stage if omitted."""
    divisor: Quantity | None = None
    """The unit in which the value is written."""


class EnvSource(Model):
    """Where a variable's value comes from: exactly one of the fields."""

    config_map_key_ref: ConfigMapKey | None = None
    """A key of a ConfigMap."""
    secret_key_ref: SecretKey | None = None
    """A key of a Secret."""
    field_ref: FieldRef | None = None
    """A field of the pod."""
    resource_field_ref: ResourceFieldRef | None = None
    """A resource of a container."""


class EnvVar(Model):
    """An environment variable; names that begin with TUNER_ are reserved."""

    name: EnvName
    """The variable's name."""
    value: Message | None = None
    """The value, in which $(TUNER_...) is expanded."""
    value_from: EnvSource | None = None
    """Where the value comes from; not together with value, and only on a cluster."""


class ConfigMapEnv(Model):
    """All keys of a ConfigMap."""

    name: ShortText
    """The ConfigMap's name."""
    optional: Flag | None = None
    """Whether the ConfigMap may be missing."""


class SecretEnv(Model):
    """All keys of a Secret."""

    name: ShortText
    """The Secret's name; the object store's own Secret is refused."""
    optional: Flag | None = None
    """Whether the Secret may be missing."""


class EnvFrom(Model):
    """A source of many variables: exactly one of configMapRef and secretRef."""

    prefix: Annotated[str, Field(max_length=64)] | None = None
    """Put before every name."""
    config_map_ref: ConfigMapEnv | None = None
    """All keys of a ConfigMap."""
    secret_ref: SecretEnv | None = None
    """All keys of a Secret."""


Env = Annotated[tuple[EnvVar, ...], Field(max_length=64), ListMap("name")]
EnvFroms = Annotated[tuple[EnvFrom, ...], Field(max_length=16)]
