"""What a local run is about to do, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from os import cpu_count

from tuner.backends.local.manifests import Loaded
from tuner.cli.output import money
from tuner.hardware import resources_of
from tuner.spec import format_duration
from tuner.study.budget import lasts_seconds


def outline(loaded: Loaded, *, resumed: bool, uid: str) -> Iterator[str]:
    """The size of the study, what it may cost, and in what this machine differs from a cluster."""
    spec = loaded.study.spec
    words = "goes on with" if resumed else "is"
    yield (
        f"{loaded.study.metadata.name} {words} run {uid}: {len(spec.parameters)} parameters, "
        f"{len(spec.pipeline.stages)} stages, {len(loaded.instance_types)} instance types"
        f"{_money(loaded)}"
    )
    if spec.pipeline.image or any(stage.image for stage in spec.pipeline.stages):
        yield f"images are ignored: commands run in {loaded.folder}, on this machine"
    available = cpu_count() or 1
    for name, instance_type in loaded.instance_types.items():
        cpus = resources_of(instance_type).cpus or 0
        if cpus > available:
            yield f"instance type {name} wants {cpus:g} CPUs and gets the {available} there are"


def _money(loaded: Loaded) -> str:
    spec = loaded.study.spec
    prices = [one.spec.price_per_hour or 0.0 for one in loaded.instance_types.values()]
    burn = max(prices, default=0.0) * spec.parallel_trials
    parts = []
    if spec.budget.max_cost is not None and burn > 0:
        lasts = format_duration(lasts_seconds(spec.budget.max_cost, usd_per_hour=burn))
        parts.append(
            f"worst burn {money(burn)}/h: {money(spec.budget.max_cost)} lasts at least {lasts}"
        )
    if spec.budget.deadline is not None:
        left = (spec.budget.deadline - datetime.now(UTC)).total_seconds()
        parts.append(f"deadline in {format_duration(left)}" if left > 0 else "deadline has passed")
    return "; " + "; ".join(parts) if parts else ""
