"""Who gets a free place, and who gives up a pod that was made ahead (docs/design/0010).

A held attempt gets the first place that becomes free: also one whose trial has written its result,
while the kubelet has yet to tell that its pod has ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tuner.pipeline import HOLD_ENDED
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.budget import Bound
from tuner_operator import moments
from tuner_operator.actions import Chain, Release, WriteStatus
from tuner_operator.observed import Observed, TrialView
from tuner_operator.pod_facts import PodFacts
from tuner_operator.reconcile.ahead import HOLD_SECONDS, crowded, leaves, wanted
from tuner_operator.reconcile.attempts import pod_ref, under_way
from tuner_operator.reconcile.flight import HOUR, Flight, current_segment
from tuner_operator.reconcile.scarcity import Scarce
from tuner_operator.verdicts import YIELDED


def given_places(
    observed: Observed,
    flights: Sequence[Flight],
    *,
    others: Iterable[Flight],
    waiting: Iterable[TrialView],
    spec: TuningStudySpec,
) -> dict[str, Flight]:
    """The held attempts that get a place now, by trial, as they are from now on.

    Args:
        observed: All there is.
        flights: Attempts in flight.
        others: Attempts that have just ended; their trials keep their places.
        waiting: Trials without an attempt in flight.
        spec: Of the study.
    """
    ready = _ready(flights)
    if not ready or spec.suspend:
        return {}
    taken = sum(not one.held and not leaves(observed, one) for one in flights)
    taken += sum(not one.held for one in others) + sum(map(_keeps_its_place, waiting))
    free = max(0, spec.parallel_trials - taken)
    return {one.trial.name: _released(observed, one, pod=pod) for one, pod in ready[:free]}


def release_chains(
    observed: Observed, chains: Sequence[Chain], released: Mapping[str, Flight]
) -> tuple[Chain, ...]:
    """The chains of open trials, with the news for those that have got a place.

    The status first: an attempt that might run is never taken for one that has not.
    """
    if not released:
        return tuple(chains)
    known = {one.subject: one.actions for one in chains}
    for name, flight in released.items():
        before = tuple(one for one in known.get(name, ()) if not isinstance(one, WriteStatus))
        written = WriteStatus(flight.trial.ref, flight.trial.status)
        known[name] = (*before, written, *release(observed, flight))
    return tuple(Chain(name, actions) for name, actions in known.items())


def late_release(observed: Observed, flight: Flight) -> Iterator[Release]:
    """The same for one of which the status alone was written: a crash lies in between."""
    known = current_segment(observed.trials[flight.trial.name].status)
    if known is not None and not known.held:
        yield from release(observed, flight)


def release(observed: Observed, flight: Flight) -> Iterator[Release]:
    """What tells the agent that it has its place, where the pod still says that it has none."""
    pod, segment = flight.pod, flight.segment
    if pod is None or not pod.hold or flight.held:
        return
    deadline = None
    if segment.deadline_seconds is not None and segment.bound != Bound.DEADLINE:
        left = int(segment.deadline_seconds)
        deadline = min(left + int(HOLD_SECONDS), left + math.ceil(_waited(flight)) + 1)
    yield Release(pod_ref(observed, pod), deadline_seconds=deadline)


def hand_back(
    observed: Observed, flights: Iterable[Flight], *, scarce: Scarce, spec: TuningStudySpec
) -> dict[str, str]:
    """The held attempts that give up their pods, by trial, and why in one word."""
    held = [one for one in flights if one.held]
    full = frozenset(crowded(observed, scarce)) if held else frozenset()
    found = ((one.trial.name, _why_back(observed, one, full, spec)) for one in held)
    return {name: why for name, why in found if why}


def _why_back(
    observed: Observed, flight: Flight, full: frozenset[str], spec: TuningStudySpec
) -> str:
    pod = flight.pod
    if pod is None:
        return YIELDED if flight.pod_name in observed.refused else ""
    homeless = pod.scheduled is None and (bool(pod.scheduling) or pod.gated)
    if homeless or flight.segment.instance_type in full or not wanted(spec):
        return YIELDED
    overdue = pod.scheduled is not None and observed.now - pod.scheduled > HOLD_SECONDS
    return HOLD_ENDED if overdue else ""


def _keeps_its_place(trial: TrialView) -> bool:
    """Whether a trial without an attempt in flight is to be tried again, or goes on at once."""
    last = current_segment(trial.status)
    return trial.status.state is TrialState.STARTING and last is not None and not last.held


def _ready(flights: Iterable[Flight]) -> list[tuple[Flight, PodFacts]]:
    """The held attempts that can go on, who is nearest to running first.

    None whose pod was not seen: who makes it must know whether it has a place.
    """
    held = [(one, one.pod) for one in flights if one.held and one.pod is not None]
    able = [(one, pod) for one, pod in held if not pod.command and pod.deleting is None]
    return sorted(able, key=lambda item: _readiest(*item))


def _readiest(flight: Flight, pod: PodFacts) -> tuple[int, float, str]:
    steps = (pod.scheduled is not None, pod.stage.state == "running")
    return -sum(steps), flight.trial.created, flight.trial.name


def _released(observed: Observed, flight: Flight, *, pod: PodFacts) -> Flight:
    segment = flight.segment.model_copy(
        update={"held": None, "release_time": moments.moment(observed.now)}
    )
    if segment.worst_cost is not None:
        waited = _waited(replace(flight, segment=segment))
        unused = max(0.0, HOLD_SECONDS - waited) * flight.price_per_hour / HOUR
        worst = max(0.0, segment.worst_cost - unused)
        segment = segment.model_copy(update={"worst_cost": worst})
    status = under_way(flight.trial.status, segment, pod=pod)
    return replace(flight, segment=segment, trial=replace(flight.trial, status=status))


def _waited(flight: Flight) -> float:
    """For how long a released attempt had its pod on a node before it had its place, in seconds."""
    given = moments.seconds_of(flight.segment.release_time)
    if given is None or flight.pod is None or flight.pod.scheduled is None:
        return 0.0
    return min(HOLD_SECONDS, max(0.0, given - flight.pod.scheduled))
