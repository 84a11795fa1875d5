"""Why a trial was proposed, what was expected of it, and what it came to: values only."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.cli.report import TrialRow
from tuner.spec.why import Prediction, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """How one stage went.

    Attributes:
        name: The stage.
        outcome: Cached, Run, Stopped or Failed.
        seconds: What it took here; None if that is not known.
        saved_usd: What taking it from the cache saved; None unless it was.
        message: Why it was missed in the cache, or why it failed.
    """

    name: str
    outcome: str
    seconds: float | None = None
    saved_usd: float | None = None
    message: str = ""

    def to_json(self) -> dict[str, object]:
        """The shape of `-o json`; what is not known is left out."""
        shape = {
            "name": self.name,
            "outcome": self.outcome,
            "seconds": self.seconds,
            "savedUsd": self.saved_usd,
            "message": self.message or None,
        }
        return {key: value for key, value in shape.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RungLine:
    """What was decided at one rung: the place of the trial among those that had got there."""

    fidelity: float
    decision: str
    rank: int
    of: int

    def to_json(self) -> dict[str, object]:
        """The shape of `-o json`."""
        return {
            "fidelity": self.fidelity,
            "decision": self.decision,
            "rank": self.rank,
            "of": self.of,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A trial, with what led to it.

    Attributes:
        row: How it stands.
        worker: Ordinal of the worker that proposed it.
        why: What led to the proposal.
        metrics: The study's objectives, in its order.
        fidelity_name: What its fidelity counts; empty without fidelity.
        full: Full fidelity.
        stages: How its stages went, as far as they were looked at.
        rungs: What was decided at the rungs; None where that cannot be read.
        attempts: How often it was started.
        lost: How many of the attempts the infrastructure ended.
    """

    row: TrialRow
    worker: int
    why: Why
    metrics: tuple[str, ...] = ()
    fidelity_name: str = ""
    full: float = 1.0
    stages: tuple[StageLine, ...] = ()
    rungs: tuple[RungLine, ...] | None = None
    attempts: int = 0
    lost: int = 0

    @property
    def predicted(self) -> dict[str, Prediction]:
        """What was expected for full fidelity, objectives first."""
        known = self.why.predicted or {}
        return {one: known[one] for one in dict.fromkeys([*self.metrics, *known]) if one in known}

    @property
    def is_full(self) -> bool:
        """Whether what was measured is comparable with what was predicted: at full fidelity."""
        return self.row.fidelity is not None and self.row.fidelity >= self.full

    def to_json(self) -> dict[str, object]:
        """The shape of `-o json`."""
        row, why = self.row, self.why
        return {
            "trial": row.name,
            "state": row.state,
            "reason": row.reason,
            "message": row.message,
            "worker": self.worker,
            "why": why.model_dump(mode="json", by_alias=True, exclude_none=True),
            "parameters": dict(row.parameters),
            "instanceTypes": dict(row.instance_types),
            "fidelity": row.fidelity,
            "objectives": self._objectives(),
            "spend": self._spend(),
            "stages": [stage.to_json() for stage in self.stages],
            "rungs": None if self.rungs is None else [rung.to_json() for rung in self.rungs],
            "attempts": self.attempts,
            "infrastructureFailures": self.lost,
        }

    def _objectives(self) -> dict[str, dict[str, object]]:
        """By metric: what was predicted for full fidelity, and what was measured."""
        shapes: dict[str, dict[str, object]] = {}
        for metric, expected in self.predicted.items():
            shape = expected.model_dump(mode="json", exclude_none=True)
            shapes.setdefault(metric, {})["predicted"] = shape
        for metric, value in self.row.objectives.items():
            shapes.setdefault(metric, {})["measured"] = value
        return shapes

    def _spend(self) -> dict[str, object]:
        spend = self.why.spend
        expected = {} if spend is None else spend.model_dump(mode="json", exclude_none=True)
        return {"expected": expected, "paidUsd": self.row.cost}
