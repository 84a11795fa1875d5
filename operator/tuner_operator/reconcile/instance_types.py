"""InstanceType: can trials be placed on it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.instance_type import (
    InstanceTypeSpec,
    InstanceTypeStatus,
    InstanceTypeSummary,
)
from tuner.spec.support import unsupported
from tuner_operator.conditions import Finding, merge


def instance_type_status(
    spec: InstanceTypeSpec,
    *,
    old: InstanceTypeStatus,
    nodes: Iterable[Mapping[str, str]],
    running: int,
    generation: int,
    now: float,
) -> InstanceTypeStatus:
    """The status as it should be.

    Args:
        spec: What is offered.
        old: The status as it is.
        nodes: Labels of the nodes that are ready.
        running: Trials of all studies that run on it.
        generation: Of the spec.
        now: Seconds since the epoch.
    """
    selector = spec.node_selector or {}
    count = sum(all(one.get(k) == v for k, v in selector.items()) for one in nodes)
    finding = _ready(spec, nodes=count)
    return old.model_copy(
        update={
            "observed_generation": generation,
            "conditions": merge(old.conditions, (finding,), now=now, generation=generation),
            "nodes": count,
            "running_trials": running,
            "summary": InstanceTypeSummary(gpu=_gpu(spec)),
        }
    )


def _ready(spec: InstanceTypeSpec, *, nodes: int) -> Finding:
    for problem in unsupported(spec):
        return Finding(words.READY, ConditionStatus.FALSE, words.NOT_SUPPORTED, str(problem))
    if nodes:
        return Finding(words.READY, ConditionStatus.TRUE, "NodesPresent", f"{nodes} nodes")
    if spec.provisioning_timeout is not None:
        return Finding(
            words.READY, ConditionStatus.TRUE, "Provisioned", "nodes are added on demand"
        )
    return Finding(
        words.READY,
        ConditionStatus.FALSE,
        "NoNodes",
        "no ready node has its labels; add one, mend nodeSelector, or set provisioningTimeout "
        "if nodes are added on demand",
    )


def _gpu(spec: InstanceTypeSpec) -> str:
    if spec.accelerator is not None:
        return f"{spec.accelerator.count} x {spec.accelerator.product}"[:250]
    counts = [
        f"{amount} x {name.split('/')[-1]}"
        for name, amount in (spec.resources or {}).items()
        if name.endswith("/gpu")
    ]
    return " ".join(counts)[:250]
