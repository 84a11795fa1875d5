"""What an instance type gives a trial, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.spec import InstanceType, quantity_value

_CPU = "cpu"
_MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceResources:
    """What a trial reserves on one instance type.

    Attributes:
        cpus: Cores, e.g. 0.5; None if the type does not say.
        memory_bytes: None if the type does not say.
        others: Further resources, such as nvidia.com/gpu, by name.
    """

    cpus: float | None = None
    memory_bytes: int | None = None
    others: Mapping[str, float] = field(default_factory=dict)


def resources_of(instance_type: InstanceType) -> InstanceResources:
    """The resources of an instance type, its quantities read.

    Raises:
        ManifestError: A quantity that is none.
    """
    values = {
        name: quantity_value(quantity)
        for name, quantity in (instance_type.spec.resources or {}).items()
    }
    memory = values.get(_MEMORY)
    return InstanceResources(
        cpus=values.get(_CPU),
        memory_bytes=None if memory is None else int(memory),
        others={name: value for name, value in values.items() if name not in (_CPU, _MEMORY)},
    )
