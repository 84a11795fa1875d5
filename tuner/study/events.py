"""What can happen to a study, and what it asks for in answer."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.study.claims import Grant
from tuner.study.ends import End
from tuner.study.terms import Terms
from tuner.trial import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened at `time`, in seconds since the epoch (virtual in the simulator)."""

    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Event):
    """Time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsChanged(Event):
    """The manifest was changed: budget, limits, parallelism or suspension."""

    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted(Event):
    """A worker has nothing left to propose."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle(Event):
    """With `trials` proposed, a worker finds none to propose and none to promote."""

    worker: int
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEvent(Event):
    """Something happened to a trial; one that is unknown or has ended is passed over."""

    trial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(TrialEvent):
    """A trial was created; `price_per_hour` is that of its dearest instance type, in USD."""

    price_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(TrialEvent):
    """An attempt was placed: from here on it costs money.

    Attributes:
        attempt: Which, from 1.
        grant: Under which it runs, where it was found running after a crash.
    """

    attempt: int = 1
    grant: Grant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged(TrialEvent):
    """What all attempts of a running trial have cost so far, USD."""

    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(TrialEvent):
    """An attempt is over, the trial is not: paused, preempted, or with a segment still to come.

    Attributes:
        cost_usd: What all attempts have cost so far.
        seconds: How long all attempts have run so far.
        rung: Where it was paused, to go on only if it is promoted; None if it goes on by itself.
    """

    cost_usd: float
    seconds: float
    rung: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted(TrialEvent):
    """A worker promoted a trial from this rung: it may go on beyond it."""

    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(TrialEvent):
    """A trial has ended for good.

    Attributes:
        state: Completed, Stopped, Failed, Cancelled or Rejected.
        cost_usd: What all its attempts have cost.
        failure: What it failed of, e.g. `ExitCode 1`; trials that fail alike say the same. Not
            empty: it counts as failed, whatever its state (one stopped at its own limit does).
        goals_met: Whether it is feasible and meets every goal.
    """

    state: str
    cost_usd: float = 0.0
    failure: str = ""
    goals_met: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Start an attempt of this trial, within the grant's deadline."""

    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Tell a running trial to checkpoint or stop."""

    trial: str
    command: Command
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """A queued trial will never run: cancel it, or stop it where it waited at a rung."""

    trial: str
    reason: str
    message: str
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Every trial has ended and the study with them."""

    end: End


StudyCommand = Admit | Tell | Withdraw | Finish
