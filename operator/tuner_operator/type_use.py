"""How trials use the instance types: counted for each study, summed up over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tuner.spec.trial import TrialState
from tuner_operator import moments
from tuner_operator.names import trial_pod
from tuner_operator.observed import TrialView, TypeUse
from tuner_operator.pod_facts import PodFacts
from tuner_operator.reconcile.flight import current_segment
from tuner_operator.verdicts import UNSCHEDULABLE


def use_of(trials: Iterable[TrialView], *, pods: Mapping[str, PodFacts]) -> Mapping[str, TypeUse]:
    """The use that a study's trials make of each type."""
    found: defaultdict[str, TypeUse] = defaultdict(TypeUse)
    for trial in trials:
        for name, use in _uses(trial, pods):
            found[name] += use
    return found


def summed(uses: Iterable[Mapping[str, TypeUse]]) -> Mapping[str, TypeUse]:
    """The use that several studies make together."""
    found: defaultdict[str, TypeUse] = defaultdict(TypeUse)
    for one in uses:
        for name, use in one.items():
            found[name] += use
    return found


def _uses(trial: TrialView, pods: Mapping[str, PodFacts]) -> Iterator[tuple[str, TypeUse]]:
    status = trial.status
    for segment in status.segments or ():
        placed = moments.seconds_of(segment.start_time)
        left = None if placed is None else moments.seconds_of(segment.end_time)
        moved = placed if left is None else left
        if moved is not None:
            yield segment.instance_type, TypeUse(moved_at=moved)
    current = current_segment(status)
    if current is None:
        return
    if current.end_time is None:
        pod = pods.get(trial_pod(trial.name, attempt=current.attempt))
        # One that was made ahead is nobody's want: it gives way.
        waiting = None if pod is None or current.held or not _waits(pod) else pod.created
        yield current.instance_type, TypeUse(running=1, waiting_since=waiting)
    elif status.state is TrialState.CANCELLED and status.reason == UNSCHEDULABLE:
        ended = moments.seconds_of(current.end_time)
        yield current.instance_type, TypeUse(withdrawn_at=ended)


def _waits(pod: PodFacts) -> bool:
    """Whether the scheduler has found no node for it."""
    return (
        pod.scheduled is None
        and bool(pod.scheduling)
        and not (pod.gated or pod.gone or pod.deleting is not None)
    )
