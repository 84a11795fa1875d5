"""Which Secrets a spec refers to, for installations that name the store's Secret otherwise.

The schema refuses the default name; it cannot know another one. Whoever knows it asks here.
"""

from __future__ import annotations

from collections.abc import Iterator

from tuner.spec.base import Model
from tuner.spec.environment import SecretEnv, SecretKey
from tuner.spec.problems import Location
from tuner.spec.rule import nodes
from tuner.spec.volumes import SecretProjection, SecretVolume


def secret_references(model: Model) -> Iterator[tuple[Location, str]]:
    """The location and name of every Secret that pods of this spec could read."""
    for location, node in nodes(model):
        if isinstance(node, SecretKey | SecretEnv | SecretProjection):
            yield (*location, "name"), node.name
        elif isinstance(node, SecretVolume):
            yield (*location, "secretName"), node.secret_name
