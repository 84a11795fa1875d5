"""The values that admission reckons with: who asks, who runs, what is left, what was decided."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

HOUR = 3600.0


class Bound(StrEnum):
    """Which bound a trial's deadline enforces."""

    NONE = ""
    TRIAL_LIMIT = "TrialLimit"
    BUDGET = "Budget"
    DEADLINE = "Deadline"


class Wait(StrEnum):
    """Why a trial was not admitted."""

    SUSPENDED = "Suspended"
    PARALLEL_TRIALS = "ParallelTrials"
    MAX_TRIALS = "MaxTrials"
    BUDGET = "Budget"
    UNAFFORDABLE = "Unaffordable"
    LIMIT_USED_UP = "LimitUsedUp"
    TIME_OVER = "TimeOver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A trial that wants to run.

    Attributes:
        trial: Its name.
        created: When it was proposed, seconds since the epoch.
        price_per_hour: USD, of the dearest instance type that it uses.
        admitted: Whether it was admitted before (a further attempt, segment or a resumption).
        spent_usd: What its earlier attempts have cost.
        spent_seconds: How long they ran.
        holdable: Whether it may be started ahead, to wait for a place.
    """

    trial: str
    created: float
    price_per_hour: float
    admitted: bool = False
    spent_usd: float = 0.0
    spent_seconds: float = 0.0
    holdable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A trial that has been admitted and has not ended.

    Attributes:
        trial: Its name.
        price_per_hour: USD, of the dearest instance type that it uses.
        spent_usd: What all its attempts have cost so far, part of the ledger's sum.
        worst_usd: What it may have cost at its end, as granted; None if nothing bounds it.
        held: Whether it was started ahead and waits for a place.
    """

    trial: str
    price_per_hour: float
    spent_usd: float = 0.0
    worst_usd: float | None = None
    held: bool = False

    @property
    def reserved_usd(self) -> float:
        """What it may still cost beyond what it has; 0 where nothing bounds it."""
        return max(0.0, (self.worst_usd or 0.0) - self.spent_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """How a study's money and time stand.

    Attributes:
        spent_usd: By all its trials, running ones included, and by its workers.
        started: How many trials have been admitted at least once, cancelled ones left out.
        seconds: On the study's clock.
        now: Seconds since the epoch.
    """

    spent_usd: float = 0.0
    started: int = 0
    seconds: float = 0.0
    now: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How far a study looks ahead (docs/design/0010).

    Attributes:
        places: How many trials may be started beyond those that run, to wait for their places.
        seconds: For how long each of them may wait.
    """

    places: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A trial may run; or be made ready to run, if it is held.

    Attributes:
        trial: Its name.
        worst_usd: What it may have cost at its end, earlier attempts and the longest hold included;
            None: unbounded.
        deadline_seconds: How long this attempt may run; None: unbounded. A hold comes before it.
        bound: What the deadline enforces.
        held: Whether it waits for a place.
    """

    trial: str
    worst_usd: float | None
    deadline_seconds: float | None
    bound: Bound
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A trial may not run now; `final` when waiting for other trials cannot change that."""

    trial: str
    reason: Wait
    message: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What was decided about every applicant."""

    grants: tuple[Grant, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def unaffordable(self) -> bool:
        """Whether the money keeps out everybody whom maxTrials would let in.

        While nothing runs that is for good: a trial that was started before and cannot be paid to
        its end must not keep a study open whose trials have all been started.
        """
        reasons = {one.reason for one in self.refusals}
        return not self.grants and bool(reasons & _MONEY) and reasons <= _MONEY | {Wait.MAX_TRIALS}


_MONEY = frozenset({Wait.BUDGET, Wait.UNAFFORDABLE})


def burn_per_hour(running: Iterable[Running]) -> float:
    """What the running trials cost in an hour, USD."""
    return sum(one.price_per_hour for one in running)


def lasts_seconds(left_usd: float, *, usd_per_hour: float) -> float:
    """How long the money lasts at that rate; infinite when nothing is spent."""
    return max(0.0, left_usd) / usd_per_hour * HOUR if usd_per_hour > 0 else math.inf
