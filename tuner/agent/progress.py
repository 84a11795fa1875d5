"""What a stage's reports come to: values by metric, and how far it got."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tuner.pipeline.plan import StagePlan, TrialPlan

MAX_NAMES = 256
"""How many different metrics of one stage are kept."""

Vector = tuple[float | None, ...]
"""Objectives at a rung; None for what is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """One metric over all reports.

    Attributes:
        last: The last value; None where the last report said NaN or infinity.
        low: The least finite value; None without one.
        high: The greatest finite value; None without one.
    """

    last: float | None
    low: float | None
    high: float | None

    def chosen(self, *, best: bool, minimize: bool) -> float | None:
        """The value that counts for an objective: its last, or its best."""
        if not best:
            return self.last
        return self.low if minimize else self.high

    def then(self, value: float) -> Values:
        """With one more report."""
        if not math.isfinite(value):
            return replace(self, last=None)
        return Values(
            last=value,
            low=value if self.low is None else min(self.low, value),
            high=value if self.high is None else max(self.high, value),
        )


UNSEEN = Values(last=None, low=None, high=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One line of TUNER_REPORTS.

    Attributes:
        metrics: Values by metric; NaN where the stage wrote no finite number.
        fidelity: Units done; None where the line does not say.
    """

    metrics: Mapping[str, float]
    fidelity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a stage got, over all attempts that went on from each other.

    Attributes:
        values: By metric.
        fidelity: The greatest fidelity reported.
        seconds: What earlier attempts and levels took, up to the checkpoint gone on from.
        level: Which of the levels of mode Restart is under way, from 0.
        due: Rungs that were reached while a pause was under way, with the vector there: they are
            decided when the trial goes on.
    """

    values: Mapping[str, Values] = field(default_factory=dict)
    fidelity: float = 0.0
    seconds: float = 0.0
    level: int = 0
    due: tuple[tuple[float, Vector], ...] = ()

    def then(self, reports: Sequence[Report]) -> Progress:
        """With further reports."""
        values = dict(self.values)
        fidelity = self.fidelity
        for report in reports:
            for name, value in report.metrics.items():
                if name in values or len(values) < MAX_NAMES:
                    values[name] = values.get(name, UNSEEN).then(value)
            fidelity = max(fidelity, report.fidelity or 0.0)
        return replace(self, values=values, fidelity=fidelity)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; kept with checkpoints and in the agent's state."""
        return {
            "values": values_to_dict(self.values),
            "fidelity": self.fidelity,
            "seconds": self.seconds,
            "level": self.level,
            "due": [[level, list(vector)] for level, vector in self.due],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Progress:
        """Reads what `to_dict` gave."""
        return cls(
            values=values_from_dict(data["values"]),
            fidelity=float(data["fidelity"]),
            seconds=float(data["seconds"]),
            level=int(data["level"]),
            due=tuple((float(level), tuple(vector)) for level, vector in data.get("due", ())),
        )


def rungs_passed(plan: TrialPlan, *, stage: StagePlan, progress: Progress) -> int:
    """How many rungs a stage that got so far has behind it."""
    fidelity = plan.fidelity
    if fidelity is None or fidelity.stage != stage.name:
        return 0
    if fidelity.restart:
        return progress.level
    return sum(rung <= progress.fidelity for rung in fidelity.rungs)


def values_to_dict(values: Mapping[str, Values]) -> dict[str, list[float | None]]:
    """Values by metric as JSON: last, low, high."""
    return {name: [item.last, item.low, item.high] for name, item in values.items()}


def values_from_dict(data: Mapping[str, Any]) -> dict[str, Values]:
    """Reads what `values_to_dict` gave."""
    return {
        str(name): Values(last=last, low=low, high=high) for name, (last, low, high) in data.items()
    }
