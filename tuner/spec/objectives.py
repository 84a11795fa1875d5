"""What a study optimises, and what a result must satisfy."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from tuner.spec.base import Label, Model, Real, Unique

COST: Final = "cost"
"""Built-in objective: USD of this configuration from scratch."""
RUNTIME: Final = "runtime"
"""Built-in objective: seconds of this configuration from scratch."""
BUILT_IN: Final = frozenset({COST, RUNTIME})

METRIC_PATTERN = r"^[A-Za-z_][A-Za-z0-9_./@:%+-]*$"
MetricName = Annotated[str, Field(min_length=1, max_length=100, pattern=METRIC_PATTERN)]


class Direction(StrEnum):
    """Which way an objective improves."""

    MINIMIZE = "Minimize"
    MAXIMIZE = "Maximize"


class MetricValue(StrEnum):
    """Which of a trial's reports counts."""

    LAST = "Last"
    BEST = "Best"


class Objective(Model):
    """One objective of the study."""

    metric: MetricName
    """A metric that a stage reports, or cost (USD) or runtime (seconds), which are built in."""
    direction: Direction
    """Minimize or Maximize; cost and runtime are always minimized."""
    value: MetricValue = MetricValue.LAST
    """Which report counts: the last, or the best so far."""
    goal: Real | None = None
    """Good enough. When one trial meets all goals the study ends."""
    stage: Label | None = None
    """The stage that reports the metric, or whose cost or runtime counts; omitted = any, all."""

    @property
    def is_built_in(self) -> bool:
        """Whether the value follows from seconds and prices, not from reports."""
        return self.metric in BUILT_IN

    @property
    def minimize(self) -> bool:
        """Whether lower is better."""
        return self.direction is Direction.MINIMIZE


class Constraint(Model):
    """Bounds on a metric; a trial outside them is never on the front."""

    metric: MetricName
    """A metric that a stage reports, or cost (USD) or runtime (seconds)."""
    min: Real | None = None
    """The least value allowed."""
    max: Real | None = None
    """The greatest value allowed."""
    stage: Label | None = None
    """The stage that reports the metric; omitted = any."""


Objectives = Annotated[tuple[Objective, ...], Field(min_length=1, max_length=8), Unique("metric")]
Constraints = Annotated[tuple[Constraint, ...], Field(max_length=8), Unique("metric")]
