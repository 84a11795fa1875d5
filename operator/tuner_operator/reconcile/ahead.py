"""Pods made ahead of their places: how many, and for which trials (docs/design/0010).

A *held* attempt was admitted beyond `parallelTrials`, with its worst cost and its longest hold
reserved; its pod is ready and its agent waits. Nobody is owed one, so none is made where anybody
wants the room, nor where it would wait for long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from statistics import median

from tuner.pipeline import HOLD_ENDED
from tuner.spec.study import LookAhead, TuningStudySpec
from tuner.spec.trial import Segment, TrialState, TuningTrialStatus
from tuner.study.budget import Ahead
from tuner_operator import moments
from tuner_operator.observed import Observed, TrialView, TypeUse
from tuner_operator.reconcile.flight import Flight, current_segment
from tuner_operator.reconcile.scarcity import Scarce
from tuner_operator.verdicts import YIELDED

HOLD_SECONDS = 60.0
"""No pod waits longer for its place; so much is reserved for it."""
LEAD_SECONDS = 3.5
"""From a trial's end until the pod is ready that is made in place of the one it let go."""
PATIENT_SECONDS = 0.75 * HOLD_SECONDS
"""Where places become free so rarely that a pod is likely to wait for longer, none is made."""
AVOID_SECONDS = 60.0
"""After a held pod found no room on a type, none is made there for so long."""
RECENT = 16
"""The last ended attempts, by which the next ones are judged."""
UNKNOWN_SECONDS = 10.0
"""What an evaluation is taken for while none has ended or run for longer."""

NOTHING = Ahead()

_BEGUN = ("running", "terminated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a study may make ahead now.

    Attributes:
        ahead: How many, and for how long.
        avoided: Instance types on which nothing is made ahead.
    """

    ahead: Ahead = NOTHING
    avoided: frozenset[str] = frozenset()

    def may_hold(self, trial: TrialView, *, instance_type: str) -> bool:
        """Whether a waiting trial may get its pod before its place."""
        last = current_segment(trial.status)
        waited_in_vain = last is not None and last.held and last.reason == HOLD_ENDED
        return instance_type not in self.avoided and not waited_in_vain


def outlook(
    observed: Observed, flights: Sequence[Flight], *, scarce: Scarce, spec: TuningStudySpec
) -> Outlook:
    """How far a study looks ahead: where it asks for it, and where it pays."""
    running = [one for one in flights if not one.held and not leaves(observed, one)]
    begun = any(one.pod is not None and one.pod.stage.state in _BEGUN for one in running)
    if not wanted(spec) or not begun or len(running) > spec.parallel_trials:
        return Outlook()
    places = how_many(spec.parallel_trials, seconds=evaluation_seconds(observed, running))
    return Outlook(
        ahead=Ahead(places=places, seconds=HOLD_SECONDS),
        avoided=frozenset(crowded(observed, scarce)) | frozenset(_lately_full(observed)),
    )


def how_many(places: int, *, seconds: float) -> int:
    """How many pods are worth making ahead of so many places.

    As many as become free while a new pod gets ready, and one to spare if that is more than one; at
    most for half of the places, and none that would wait for too long.

    Args:
        places: Trials that run side by side.
        seconds: How long one of them runs.
    """
    due = places * LEAD_SECONDS / seconds
    patient = places * PATIENT_SECONDS / seconds
    return int(max(0.0, min(math.ceil(due) + (due > 1.0), -(-places // 2), patient)))


def evaluation_seconds(observed: Observed, running: Iterable[Flight]) -> float:
    """How long a trial holds its place: the median of the last ones, else what is known."""
    turns = (_turn(trial.status) for trial in observed.trials.values())
    recent = [seconds for _, seconds in nlargest(RECENT, (one for one in turns if one))]
    if recent:
        return max(1.0, median(recent))
    starts = (moments.seconds_of(_placed(one.segment)) for one in running)
    ages = (observed.now - start for start in starts if start is not None)
    return max([UNKNOWN_SECONDS, *ages])


def leaves(observed: Observed, flight: Flight) -> bool:
    """Whether the attempt has said its last word: nothing of it runs any more but its agent."""
    log = observed.log
    return log is not None and (flight.trial.name, flight.segment.attempt) in log.leaving


def wanted(spec: TuningStudySpec) -> bool:
    """Whether the study asks for pods ahead of their places."""
    return spec.workers.look_ahead is LookAhead.POD and spec.parallel_trials > 0


def crowded(observed: Observed, scarce: Scarce) -> Iterator[str]:
    """Types whose room somebody wants, or which have a limit: that says that room is scarce."""
    for name, offer in observed.instance_types.items():
        use = observed.type_use.get(name, TypeUse())
        waited_for = use.waiting_since is not None
        if name in scarce or offer.max_parallel_trials is not None or waited_for:
            yield name


def _lately_full(observed: Observed) -> Iterator[str]:
    for trial in observed.trials.values():
        last = current_segment(trial.status)
        if last is None or not last.held or last.reason != YIELDED:
            continue
        if observed.now - (moments.seconds_of(last.end_time) or 0.0) < AVOID_SECONDS:
            yield last.instance_type


def _turn(status: TuningTrialStatus) -> tuple[float, float] | None:
    """When a trial has left its place last, and for how long it had it; None while it has it."""
    segments = status.segments or ()
    held = [
        (start, end)
        for one in segments
        if not one.held
        and (start := moments.seconds_of(_placed(one))) is not None
        and (end := moments.seconds_of(one.end_time)) is not None
    ]
    goes_on = status.state is TrialState.STARTING or any(one.end_time is None for one in segments)
    if not held or goes_on:
        return None
    return max(end for _, end in held), sum(max(0.0, end - start) for start, end in held)


def _placed(segment: Segment) -> datetime | None:
    return segment.release_time or segment.start_time
