"""The seam below `ManagedBackend`: who carries out single attempts, for real or in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tuner.pipeline import AgentResult, TrialPlan
from tuner.study.claims import Grant
from tuner.trial import Command


class Phase(StrEnum):
    """How an attempt stands."""

    WAITING = "Waiting"
    """Launched, and waiting for a place (free CPUs)."""
    RUNNING = "Running"
    ENDED = "Ended"


class Cause(StrEnum):
    """Why an attempt ended without a word from its agent."""

    NONE = ""
    LOST = "Lost"
    """Killed, crashed or preempted: the infrastructure's doing."""
    DEADLINE = "Deadline"
    """Its deadline passed."""
    CANNOT_START = "CannotStart"
    """It could not be started at all, and trying again would not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An attempt to carry out: its plan, and the bounds under which it was admitted."""

    plan: TrialPlan
    grant: Grant

    @property
    def id(self) -> tuple[str, int]:
        """Trial and attempt: an order given twice is carried out once."""
        return self.plan.trial, self.plan.attempt

    @property
    def price_per_hour(self) -> float:
        """USD, of the type that this attempt's own stages run on."""
        return next(stage.price_per_hour for stage in self.plan.stages if stage.run)

    @property
    def instance_type(self) -> str:
        """The type that this attempt's own stages run on."""
        return next(stage.instance_type for stage in self.plan.stages if stage.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt as its runner sees it.

    Attributes:
        order: What was ordered.
        phase: How it stands.
        start: When it was placed, seconds since the epoch; 0 while it waits.
        end: When it ended, or when it was last known to be alive.
        result: What its agent said at the end; None if it said nothing.
        cause: Why there is no result.
        message: One sentence for people, e.g. what it waits for.
    """

    order: Order
    phase: Phase
    start: float = 0.0
    end: float = 0.0
    result: AgentResult | None = None
    cause: Cause = Cause.NONE
    message: str = ""

    @property
    def seconds(self) -> float:
        """For which it is charged so far."""
        return max(0.0, self.end - self.start) if self.start else 0.0

    @property
    def cost_usd(self) -> float:
        """What it has cost so far."""
        return self.seconds * self.order.price_per_hour / 3600.0


class AttemptRunner(Protocol):
    """Carries out attempts. Ended ones stay in view until they are removed, as pods do."""

    def launch(self, order: Order) -> None:
        """Starts an attempt as soon as there is a place; one that is known is left as it is."""

    def command(self, trial: str, command: Command) -> None:
        """Tells the trial's running attempt to checkpoint or stop."""

    def attempts(self) -> Sequence[Attempt]:
        """Every attempt that was not removed, as it stands now."""

    def wait(self, timeout_seconds: float) -> None:
        """Until an attempt may have changed, or the time is over."""

    def remove(self, trial: str, attempt: int) -> None:
        """Forgets an ended attempt and frees what it held."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def close(self) -> None:
        """Ends what cannot outlive this process."""
