"""What is simulated: how long stages take and what they report; and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tuner.pipeline import StagePlan, TrialPlan


class Killed(Exception):
    """Whoever was about to act is dead; raised by injected faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An attempt is killed so many seconds after its start (a crash or a preemption)."""

    after_seconds: float
    message: str = "preempted"


FaultPlan = Callable[[str, int], Fault | None]
"""The fault of a trial's attempt, if it has one."""


class Blackbox(Protocol):
    """A pipeline whose times and metrics are known: a table, a surrogate or a formula."""

    def seconds(self, plan: TrialPlan, *, stage: StagePlan, fidelity: float) -> float:
        """How long the stage takes from its beginning to that fidelity.

        Args:
            plan: The attempt; parameters and instance types of all stages are in it.
            stage: Which stage.
            fidelity: Units done; 1.0 for stages without fidelity.
        """

    def metrics(self, plan: TrialPlan, *, stage: StagePlan, fidelity: float) -> Mapping[str, float]:
        """What the stage reports at that fidelity; may be empty."""
