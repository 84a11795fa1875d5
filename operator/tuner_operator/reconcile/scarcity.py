"""Which instance types cannot take the trials that a study might propose, and who gives up on them.

Told in the study's status, which workers read: they propose what can start. A trial that has run
nothing yet and waits for such a type while another one would do is withdrawn, so that its place
goes to another proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.quantities import duration_seconds
from tuner.spec.status import ScarceType
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import Segment
from tuner_operator import moments
from tuner_operator.actions import Chain
from tuner_operator.observed import Observed, TrialView, TypeUse
from tuner_operator.reconcile.ending import cancel
from tuner_operator.reconcile.instance_types import NO_NODES, lacks_nodes
from tuner_operator.verdicts import UNSCHEDULABLE

FULL = "Full"
SCARCE = "Scarce"
"""Why a trial was withdrawn that never got a pod: its type stayed full."""

NODE_SECONDS = 20.0
"""A pod that found no node for so long makes its type scarce, unless nodes are made on demand."""
PENALTY_SECONDS = 300.0
"""After a trial was given up for want of a node, its type is left alone for so long."""
INITIAL = "initialTrials"

Scarce = Mapping[str, ScarceType]
"""By the name of the instance type."""


def shortages(
    observed: Observed, *, types: Mapping[str, tuple[str, ...]], spec: TuningStudySpec
) -> Scarce:
    """The types of this study that have too little room for all its trials."""
    names = sorted({name for some in types.values() for name in some})
    found = (_shortage(observed, name, most=spec.parallel_trials) for name in names)
    return {one.instance_type: one for one in found if one is not None}


def node_seconds(offer: InstanceTypeSpec | None) -> float:
    """How long a node of the type may take, as far as is known."""
    if offer is None or offer.provisioning_timeout is None:
        return NODE_SECONDS
    return max(NODE_SECONDS, duration_seconds(offer.provisioning_timeout))


def may_go_elsewhere(
    trial: TrialView, name: str, *, scarce: Scarce, types: Mapping[str, tuple[str, ...]]
) -> bool:
    """Whether a trial that waits for a scarce type had better be another proposal.

    Not what has run already, and not what the user asked for by name.
    """
    if trial.spec is None or not _is_out(name, scarce) or _has_run(trial):
        return False
    if trial.spec.why is not None and trial.spec.why.searcher == INITIAL:
        return False
    stages = [stage for stage, one in trial.spec.instance_types.items() if one == name]
    return all(
        any(other != name and not _is_out(other, scarce) for other in types.get(stage, ()))
        for stage in stages
    )


def give_up(
    observed: Observed,
    waiting: Sequence[TrialView],
    *,
    scarce: Scarce,
    types: Mapping[str, tuple[str, ...]],
) -> Mapping[str, Chain]:
    """By name the trials that never got a pod and whose type has stayed full: withdrawn."""
    found: dict[str, Chain] = {}
    for trial in waiting:
        if trial.spec is None or observed.now - trial.created < NODE_SECONDS:
            continue
        for name in dict.fromkeys(trial.spec.instance_types.values()):
            if may_go_elsewhere(trial, name, scarce=scarce, types=types):
                message = f"InstanceType {name}: {scarce[name].message}; another one has room"
                found[trial.name] = cancel(observed, trial, reason=SCARCE, message=message)
                break
    return found


def _shortage(observed: Observed, name: str, *, most: int) -> ScarceType | None:
    offer = observed.instance_types.get(name)
    status = observed.type_status.get(name)
    if status is not None and lacks_nodes(status):
        return _none(name, NO_NODES, "no node of this type is there")
    use = observed.type_use.get(name, TypeUse())
    since = use.waiting_since
    if since is not None and observed.now - since >= node_seconds(offer):
        said = f"a trial has found no node since {moments.render(since)}"
        return _none(name, UNSCHEDULABLE, said)
    newest = None if status is None else moments.seconds_of(status.newest_node)
    until = _penalty(use, newest_node=newest)
    if until is not None and observed.now < until:
        said = f"a trial found no node; left alone until {moments.render(until)}"
        return _none(name, UNSCHEDULABLE, said)
    limit = None if offer is None else offer.max_parallel_trials
    if limit is None:
        return None
    room = max(0, limit - observed.type_usage.get(name, 0))
    if room >= most:
        return None
    said = f"its maxParallelTrials is {limit}" + ("" if room else ", and other studies use it up")
    return ScarceType(instance_type=name, room=room, reason=FULL, message=said)


def _none(name: str, reason: str, message: str) -> ScarceType:
    return ScarceType(instance_type=name, room=0, reason=reason, message=message)


def _penalty(use: TypeUse, *, newest_node: float | None) -> float | None:
    """Until when a type is left alone.

    A new node ends it, and so does a trial that got or left a place since.
    """
    since = use.withdrawn_at
    if since is None or (newest_node or 0.0) >= since or (use.moved_at or 0.0) > since:
        return None
    return since + PENALTY_SECONDS


def _is_out(name: str, scarce: Scarce) -> bool:
    return name in scarce and not scarce[name].room


def _has_run(trial: TrialView) -> bool:
    segments: Sequence[Segment] = trial.status.segments or ()
    return any(one.start_time is not None for one in segments) or bool(trial.status.cost)
