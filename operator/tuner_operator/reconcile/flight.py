"""Where a trial is: its segments, the attempt in flight, the pod of that attempt."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.pipeline.segmentation import Segment as Run
from tuner.pipeline.segmentation import segments
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import Segment, TuningTrialStatus
from tuner.trial import Trial
from tuner_operator import moments
from tuner_operator.cost import interval
from tuner_operator.names import trial_pod
from tuner_operator.observed import Observed, TrialView
from tuner_operator.pod_facts import PodFacts
from tuner_operator.reconcile.validation import trial_of
from tuner_operator.verdicts import RUNG

HOUR = 3600.0
COST_DIGITS = 9
"""A second of the cheapest type is worth more than the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """An attempt that has been admitted and has not ended.

    Attributes:
        trial: The trial.
        segment: Its entry in the trial's status.
        pod: Its pod as last seen; None before it was made, or after it vanished unseen.
    """

    trial: TrialView
    segment: Segment
    pod: PodFacts | None

    @property
    def pod_name(self) -> str:
        """The name that its pod has or will have."""
        return trial_pod(self.trial.name, attempt=self.segment.attempt)

    @property
    def held(self) -> bool:
        """Whether it was made ahead and has no place yet."""
        return bool(self.segment.held)

    @property
    def price_per_hour(self) -> float:
        """USD, as admitted."""
        return self.segment.price_per_hour or 0.0

    def accrued_usd(self, *, now: float) -> float:
        """What this attempt has cost so far."""
        if self.pod is None:
            start = moments.seconds_of(self.segment.start_time)
            return 0.0 if start is None else (now - start) * self.price_per_hour / HOUR
        return interval(self.pod, now=now).cost_usd(price_per_hour=self.price_per_hour)


def current_segment(status: TuningTrialStatus) -> Segment | None:
    """The entry of the last attempt; None before the first."""
    return next((one for one in status.segments or () if one.attempt == status.attempts), None)


def waits_at_rung(trial: TrialView) -> bool:
    """Whether the trial was paused at a rung, and no worker has promoted it from there."""
    rung, last = trial.status.rung, current_segment(trial.status)
    if rung is None or last is None or last.end_time is None:
        return False
    return last.reason == RUNG and trial.promoted < rung


def flight_of(observed: Observed, trial: TrialView) -> Flight | None:
    """The trial's attempt in flight, or None."""
    segment = current_segment(trial.status)
    if segment is None or segment.end_time is not None:
        return None
    pod = observed.pods.get(trial_pod(trial.name, attempt=segment.attempt))
    if pod is not None and pod.trial_uid != trial.ref.uid:
        pod = None
    return Flight(trial=trial, segment=segment, pod=pod)


def runs_of(trial: TrialView, spec: TuningStudySpec) -> tuple[Run, ...]:
    """The segments that the trial goes through. Raises what `segments` raises."""
    return segments(spec, trial=value_of(trial, spec))


def value_of(trial: TrialView, spec: TuningStudySpec) -> Trial:
    """The proposal as a value. Raises SpaceError."""
    if trial.spec is None:
        raise ValueError(f"{trial.name} has no spec")
    return trial_of(trial.name, spec=trial.spec, study=spec)


def index_of(segment: Segment, runs: tuple[Run, ...]) -> int:
    """Which of the runs an entry of the status stands for."""
    return next((run.index for run in runs if run.stages == tuple(segment.stages)), 0)


def spent_usd(status: TuningTrialStatus) -> float:
    """What the trial's ended attempts have cost."""
    parts = ((one.cost or 0.0) + (one.earlier_cost or 0.0) for one in status.segments or ())
    return round(sum(parts), COST_DIGITS)


def spent_seconds(status: TuningTrialStatus) -> float:
    """How long they had their places; those before the last of a segment by their cost."""
    total = 0.0
    for one in status.segments or ():
        placed = one.release_time or one.start_time
        start, end = moments.seconds_of(placed), moments.seconds_of(one.end_time)
        if start is not None and end is not None and not one.held:
            total += end - start
        if one.earlier_cost and one.price_per_hour:
            total += one.earlier_cost / one.price_per_hour * HOUR
    return total


def with_segment(status: TuningTrialStatus, segment: Segment) -> tuple[Segment, ...]:
    """The entries with this one in place of the one for the same stages, else at the end."""
    others = status.segments or ()
    if any(one.stages == segment.stages for one in others):
        return tuple(segment if one.stages == segment.stages else one for one in others)
    return (*others, segment)
