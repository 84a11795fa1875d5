"""Instance types of replayed pipelines: public prices, and speeds by a stated model.

A stage of which a share p runs in parallel and a share a on an accelerator, if there is one, takes
on a machine of n virtual CPUs, two of which share a core, and of an accelerator g times one core

    ((1 - p - a) + p / (n / 2) + a / max(g, n / 2)) / clock

of its time on one core (Amdahl). Prices, CPUs and memory are those of on-demand machine-learning
instances in a public list of 2022; the speeds are assumptions, good for ranking searchers, not for
choosing machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.problems.protocol import USD_PER_SECOND

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An instance type.

    Attributes:
        cpus: Virtual ones.
        memory_gib: Of the machine.
        price_per_hour: USD.
        accelerator: Its speed in cores; 0 without one.
        product: The accelerator's name.
        clock: Of one core, against the one of the recording.
        parallel: Share of each stage that all cores can do together.
        accelerated: Share of each stage that the accelerator does.
    """

    cpus: int = 2
    memory_gib: float = 8.0
    price_per_hour: float = USD_PER_SECOND
    accelerator: float = 0.0
    product: str = ""
    clock: float = 1.0
    parallel: Mapping[str, float] = field(default_factory=dict)
    accelerated: Mapping[str, float] = field(default_factory=dict)

    def speed(self, stage: str) -> float:
        """How many times faster than one core of the recording's machine."""
        cores = max(1.0, self.cpus / 2)
        parallel, accelerated = self.parallel.get(stage, 0.0), self.accelerated.get(stage, 0.0)
        rest = 1.0 - parallel - accelerated
        best = max(self.accelerator, cores)
        return self.clock / (rest + parallel / cores + accelerated / best)


def cloud_machines(
    *, parallel: Mapping[str, float], accelerated: Mapping[str, float] | None = None
) -> dict[str, Machine]:
    """Six types from small to accelerated.

    Args:
        parallel: Share of each stage that several cores speed up.
        accelerated: Share of each stage that an accelerator speeds up.
    """
    shares = {"parallel": parallel, "accelerated": accelerated or {}}
    return {
        "m5-large": Machine(cpus=2, memory_gib=8, price_per_hour=0.134, **shares),
        "m5-xlarge": Machine(cpus=4, memory_gib=16, price_per_hour=0.269, **shares),
        "c5-xlarge": Machine(cpus=4, memory_gib=8, price_per_hour=0.238, clock=1.15, **shares),
        "c5-4xlarge": Machine(cpus=16, memory_gib=32, price_per_hour=0.952, clock=1.15, **shares),
        "g4dn-xlarge": Machine(
            cpus=4, memory_gib=16, price_per_hour=0.736, accelerator=12, product="T4", **shares
        ),
        "p3-2xlarge": Machine(
            cpus=8, memory_gib=61, price_per_hour=3.825, accelerator=40, product="V100", **shares
        ),
    }


def declared_types(machines: Mapping[str, Machine]) -> dict[str, dict[str, object]]:
    """`InstanceType.spec` by name."""
    return {name: _declared(machine) for name, machine in machines.items()}


def _declared(machine: Machine) -> dict[str, object]:
    spec: dict[str, object] = {
        "pricePerHour": machine.price_per_hour,
        "resources": {"cpu": str(machine.cpus), "memory": f"{machine.memory_gib:g}Gi"},
    }
    if machine.accelerator:
        spec["accelerator"] = {"product": machine.product}
    return spec
