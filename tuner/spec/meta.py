"""Object metadata and the small references shared by all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from tuner.spec.base import LabelKey, LabelValue, Model, ShortText, Text

GROUP = "tuner.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


class ObjectMeta(Model):
    """The part of metav1.ObjectMeta that is read here; every other field passes through."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, populate_by_name=True)

    name: str = ""
    """The object's name."""
    generate_name: str | None = None
    """Prefix of a name that the API server completes."""
    namespace: str | None = None
    """The object's namespace."""
    uid: str | None = None
    """Set by the API server."""
    resource_version: str | None = None
    """Set by the API server."""
    generation: int | None = None
    """Counts changes of the spec; set by the API server."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels of the object."""
    annotations: Mapping[str, str] = Field(default_factory=dict)
    """Annotations of the object."""
    creation_timestamp: str | None = None
    """Set by the API server."""
    deletion_timestamp: str | None = None
    """Set by the API server once deletion was asked for."""


class LabelSelector(Model):
    """Chooses objects by their labels; an empty selector chooses all."""

    match_labels: Annotated[Mapping[LabelKey, LabelValue] | None, Field(max_length=16)] = None
    """Labels that an object must have, with these values."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is chosen."""
        wanted = self.match_labels or {}
        return all(labels.get(key) == value for key, value in wanted.items())


class TemplateMeta(Model):
    """Labels and annotations added to pods."""

    labels: Annotated[Mapping[LabelKey, LabelValue] | None, Field(max_length=32)] = None
    """Labels added to the pod."""
    annotations: Annotated[Mapping[LabelKey, Text] | None, Field(max_length=32)] = None
    """Annotations added to the pod."""


class LocalReference(Model):
    """Names an object of the study's namespace."""

    name: ShortText
    """The object's name."""
