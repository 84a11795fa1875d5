"""The seam to where trials run: a virtual clock, local processes, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tuner.trial import Command, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendEvent:
    """A trial's state as the backend sees it now.

    Attributes:
        trial: The trial's name.
        state: One of `tuner.spec.TrialState` (Queued ... Cancelled).
        reason: One word.
        message: One sentence for people.
        attempt: Which attempt, from 1; 0 before the first.
        cost_usd: What all attempts have cost so far.
        time: Seconds since the epoch (virtual in the simulator).
    """

    trial: str
    state: str
    reason: str = ""
    message: str = ""
    attempt: int = 0
    cost_usd: float = 0.0
    time: float = 0.0


class TrialBackend(Protocol):
    """Starts trials and tells how they stand. Owns processes or pods; reports are in the log.

    Results are read from the study log, never from here. Safe to reopen: after a crash a new
    backend for the same study finds the trials that are still open.
    """

    def start(self, trial: Trial) -> None:
        """Starts a trial; a trial of that name that exists already is left as it is."""

    def resume(self, trial: str, *, level: float) -> None:
        """Lets a trial go on that was promoted from the rung `level`; harmless when repeated.

        The log holds its `promoted`. Unknown and ended trials are passed over.
        """

    def command(self, trial: str, command: Command) -> None:
        """Tells a running trial to checkpoint or stop; unknown and ended trials are passed over."""

    def poll(self, *, timeout_seconds: float) -> Sequence[BackendEvent]:
        """Waits until something changed or the time is over; the changes since the last call."""

    def open_trials(self) -> Sequence[BackendEvent]:
        """Every trial of this study that has not ended."""

    def now(self) -> float:
        """The backend's clock: seconds since the epoch, virtual in the simulator."""

    def close(self) -> None:
        """Lets go of local resources; running trials of a cluster go on."""
