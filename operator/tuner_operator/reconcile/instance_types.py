"""InstanceType: can trials be placed on it?"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.hardware import accelerator_share
from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.instance_type import (
    InstanceTypeSpec,
    InstanceTypeStatus,
    InstanceTypeSummary,
)
from tuner.spec.support import unsupported
from tuner_operator import moments
from tuner_operator.conditions import Finding, find, merge
from tuner_operator.node_facts import NodeFacts, supply

NO_NODES = "NoNodes"
NODES_UNUSABLE = "NodesUnusable"
_AWAY = frozenset({"not ready", "cordoned"})


def instance_type_status(
    spec: InstanceTypeSpec,
    *,
    old: InstanceTypeStatus,
    nodes: Sequence[NodeFacts],
    running: int,
    preempted_seconds_per_hour: float | None,
    generation: int,
    now: float,
) -> InstanceTypeStatus:
    """The status as it should be.

    Args:
        spec: What is offered.
        old: The status as it is.
        nodes: All nodes.
        running: Trials of all studies that run on it.
        preempted_seconds_per_hour: As observed; None if nothing is known.
        generation: Of the spec.
        now: Seconds since the epoch.
    """
    found = supply(nodes, spec)
    finding = _ready(spec, nodes=found.count, in_the_way=found.in_the_way)
    return old.model_copy(
        update={
            "observed_generation": generation,
            "conditions": merge(old.conditions, (finding,), now=now, generation=generation),
            "nodes": found.count,
            "newest_node": moments.moment(found.newest) if found.newest else None,
            "running_trials": running,
            "preempted_seconds_per_hour": preempted_seconds_per_hour,
            "summary": InstanceTypeSummary(gpu=_gpu(spec)),
        }
    )


def lacks_nodes(status: InstanceTypeStatus) -> bool:
    """Whether no node of the type is there: none has its labels, or all are cordoned or down."""
    ready = find(status.conditions, words.READY)
    return ready is not None and ready.reason == NO_NODES


def _ready(spec: InstanceTypeSpec, *, nodes: int, in_the_way: tuple[str, ...]) -> Finding:
    for problem in unsupported(spec):
        return Finding(words.READY, ConditionStatus.FALSE, words.NOT_SUPPORTED, str(problem))
    if nodes:
        return Finding(words.READY, ConditionStatus.TRUE, "NodesPresent", f"{nodes} nodes")
    if spec.provisioning_timeout is not None:
        return Finding(
            words.READY, ConditionStatus.TRUE, "Provisioned", "nodes are added on demand"
        )
    if not set(in_the_way) <= _AWAY:
        return Finding(
            words.READY,
            ConditionStatus.FALSE,
            NODES_UNUSABLE,
            f"nodes have its labels, but none can take a trial: {', '.join(in_the_way)}; mend "
            "tolerations or resources",
        )
    return Finding(
        words.READY,
        ConditionStatus.FALSE,
        NO_NODES,
        f"every node with its labels is {' or '.join(in_the_way)}"
        if in_the_way
        else "no node has its labels; add one, mend nodeSelector, or set provisioningTimeout "
        "if nodes are added on demand",
    )


def _gpu(spec: InstanceTypeSpec) -> str:
    if spec.accelerator is not None:
        return f"{spec.accelerator.count} x {spec.accelerator.product}"[:250]
    counts = [
        f"{amount} x {name.split('/')[-1]}"
        for name, amount in (spec.resources or {}).items()
        if accelerator_share(name)
    ]
    return " ".join(counts)[:250]
