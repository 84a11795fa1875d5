"""How much of what ran on an instance type was lost to preemption, counted from verdicts.

Lost is what an attempt that the infrastructure ended had run since its last sign of progress, a
report or a stage's end: what came before is in a checkpoint or in the cache, and is not run again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.study.chronicle import Story
from tuner.study.verdict import Verdict
from tuner.trial import StageOutcome

HOUR = 3600.0
"""Seconds."""

WEIGHT_SECONDS = HOUR
"""An expectation counts as much as an hour of running."""
MOST = 3000.0
"""Seconds of an hour: a type that loses more is as bad as this, and not infinitely dear."""

_STEPS_PER_DECADE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """For how long attempts ran on an instance type, and how much of it was lost."""

    seconds: float = 0.0
    lost_seconds: float = 0.0

    def __add__(self, other: Wear) -> Wear:
        return Wear(
            seconds=self.seconds + other.seconds,
            lost_seconds=self.lost_seconds + other.lost_seconds,
        )


def wear_of(stories: Iterable[Story]) -> Mapping[str, Wear]:
    """By instance type, over all verdicts of these trials."""
    found: dict[str, Wear] = {}
    for story in stories:
        for (attempt, _), verdict in story.verdicts.items():
            if not verdict.instance_type or not verdict.seconds:
                continue
            lost = _lost_seconds(story, attempt, verdict) if verdict.infrastructure else 0.0
            here = Wear(seconds=verdict.seconds, lost_seconds=lost)
            found[verdict.instance_type] = found.get(verdict.instance_type, Wear()) + here
    return found


def preempted_seconds_per_hour(wear: Wear | None, *, expected: float | None) -> float | None:
    """Work to be expected lost, in seconds per hour of running; None where nothing is known.

    Rounded to six steps a decade: whoever follows it need not start anew with every verdict.

    Args:
        wear: What was observed.
        expected: What the platform team expects, in the same unit; it counts as an hour.
    """
    seen = wear or Wear()
    weight = 0.0 if expected is None else WEIGHT_SECONDS
    total = seen.seconds + weight
    if not total or (expected is None and not seen.lost_seconds):
        return None
    # Without an expectation one early loss would say that nearly all is lost.
    total = max(total, WEIGHT_SECONDS)
    rate = HOUR * (seen.lost_seconds + weight * (expected or 0.0) / HOUR) / total
    return _rounded(min(rate, MOST))


def _lost_seconds(story: Story, attempt: int, verdict: Verdict) -> float:
    progress = [at for number, at, _ in story.curve.values() if number == attempt]
    progress += [
        at
        for number, at, result in story.stages.values()
        if number == attempt and result.outcome is StageOutcome.RUN
    ]
    kept = max(progress, default=verdict.start) - verdict.start
    return min(verdict.seconds, max(0.0, verdict.seconds - kept))


def _rounded(rate: float) -> float:
    if rate < 1.0:
        return 0.0
    step = round(_STEPS_PER_DECADE * math.log10(rate)) / _STEPS_PER_DECADE
    return round(min(float(10.0**step), HOUR), 1)
