"""The backend of ask and tell: trials lie in the caller's hands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.backends import BackendEvent
from tuner.spec.trial import TrialState
from tuner.trial import Command, Trial


@dataclass(slots=True)
class Held:
    """A trial that the caller has, or is to get.

    Attributes:
        trial: What was proposed.
        attempt: Which try at it, from 1; an earlier process may have begun it.
        since: When the caller got it, seconds since the epoch; None while it waits.
    """

    trial: Trial
    attempt: int = 1
    since: float | None = None


class Hands:
    """A `TrialBackend` that starts nothing: `take` gives out what was proposed, in order.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, Held] = {}
        self._waiting: deque[str] = deque()

    def start(self, trial: Trial) -> None:
        """Lays a trial down to be taken; see `TrialBackend`."""
        self.offer(Held(trial))

    def offer(self, held: Held) -> None:
        """Lays a trial down to be taken; one that is known is left as it is."""
        if held.trial.name not in self._held:
            self._held[held.trial.name] = held
            self._waiting.append(held.trial.name)

    def take(self) -> Trial | None:
        """Gives out the trial that has waited longest, if any does."""
        if not self._waiting:
            return None
        held = self._held[self._waiting.popleft()]
        held.since = self._clock()
        return held.trial

    def held(self, trial: str) -> Held | None:
        """A trial that was given out or waits."""
        return self._held.get(trial)

    def waiting(self) -> list[Trial]:
        """The trials that nobody has taken yet."""
        return [self._held[name].trial for name in self._waiting]

    def count(self, worker: int) -> int:
        """How many trials that a worker proposed are here."""
        return sum(held.trial.worker == worker for held in self._held.values())

    def let_go(self, trial: str) -> None:
        """Forgets a trial that has ended."""
        if self._held.pop(trial, None) is not None and trial in self._waiting:
            self._waiting.remove(trial)

    def resume(self, trial: str, *, level: float) -> None:
        """Nothing is ever paused here; see `TrialBackend`."""

    def command(self, trial: str, command: Command) -> None:
        """Nobody can tell the caller anything; see `TrialBackend`."""

    def poll(self, *, timeout_seconds: float) -> Sequence[BackendEvent]:
        """Nothing changes by itself; see `TrialBackend`."""
        return ()

    def open_trials(self) -> Sequence[BackendEvent]:
        """Every trial that was not let go; see `TrialBackend`."""
        return [
            BackendEvent(trial=name, state=str(TrialState.RUNNING), attempt=held.attempt)
            for name, held in self._held.items()
        ]

    def now(self) -> float:
        """The clock that was given."""
        return self._clock()

    def close(self) -> None:
        """Nothing to let go of."""
