"""What a node offers and whom it turns away, as frozen facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.errors import ManifestError
from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.pod import Toleration
from tuner.spec.quantities import quantity_value
from tuner_operator import moments
from tuner_operator.names import Object, labels_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """Keeps pods away that do not tolerate it; soft ones (PreferNoSchedule) are left out."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One node.

    Attributes:
        name: Its name.
        labels: Its labels.
        ready: Since when its kubelet says that it is, seconds since the epoch; None if it is not.
        cordoned: Whether it takes no new pods.
        taints: Those that keep pods away.
        allocatable: What pods may reserve there in all.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: float | None = None
    cordoned: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable: Mapping[str, float] = field(default_factory=dict)


def read_node(node: Object) -> NodeFacts:
    """The facts of a node."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return NodeFacts(
        name=node["metadata"]["name"],
        labels=labels_of(node),
        ready=_ready_since(node),
        cordoned=bool(spec.get("unschedulable")),
        taints=tuple(
            Taint(key=one.get("key", ""), value=one.get("value", ""), effect=one.get("effect", ""))
            for one in spec.get("taints") or ()
            if one.get("effect") != "PreferNoSchedule"
        ),
        allocatable=_amounts(status.get("allocatable") or {}),
    )


def is_ready(node: Object) -> bool:
    """Whether the node's kubelet says so."""
    return _ready_since(node) is not None


def obstacle(node: NodeFacts, offer: InstanceTypeSpec) -> str:
    """Why a node with an instance type's labels can take none of its trials, empty if it can."""
    if node.ready is None:
        return "not ready"
    if node.cordoned:
        return "cordoned"
    for taint in node.taints:
        if not any(_tolerates(one, taint) for one in offer.tolerations or ()):
            return f"tainted with {taint.key}"
    for name, amount in (offer.resources or {}).items():
        if node.allocatable and quantity_value(amount) > node.allocatable.get(name, 0.0):
            return f"too small: {name}"
    return ""


def has_labels(node: NodeFacts, selector: Mapping[str, str]) -> bool:
    """Whether the node has all of these labels."""
    return all(node.labels.get(key) == value for key, value in selector.items())


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.operator == "Exists":
        return not toleration.key or toleration.key == taint.key
    return toleration.key == taint.key and (toleration.value or "") == taint.value


def _amounts(texts: Mapping[str, str]) -> dict[str, float]:
    amounts = {}
    for name, text in texts.items():
        try:
            amounts[name] = quantity_value(text)
        except ManifestError:
            # A form that only Kubernetes knows says nothing here.
            continue
    return amounts


def _ready_since(node: Object) -> float | None:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready: Object | None = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None or ready["status"] != "True":
        return None
    return moments.parse(ready.get("lastTransitionTime")) or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The nodes of an instance type.

    Attributes:
        count: How many of them can take a trial.
        newest: Since when the newest of these is ready, seconds since the epoch; 0 without any.
        in_the_way: Why others, with the same labels, cannot: each word once.
    """

    count: int
    newest: float
    in_the_way: tuple[str, ...]


def supply(nodes: Sequence[NodeFacts], offer: InstanceTypeSpec) -> Supply:
    """Which of the nodes an instance type finds."""
    mine = [one for one in nodes if has_labels(one, offer.node_selector or {})]
    words = {one.name: obstacle(one, offer) for one in mine}
    able = [one.ready or 0.0 for one in mine if not words[one.name]]
    return Supply(
        count=len(able),
        newest=max(able, default=0.0),
        in_the_way=tuple(dict.fromkeys(word for word in words.values() if word)),
    )
