"""Attempts on a heap of events in virtual time; the world that outlives a crashed controller."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from tuner.backends.attempts import Attempt, Cause, Order, Phase
from tuner.backends.simulated.blackbox import Blackbox, FaultPlan, Killed
from tuner.backends.simulated.life import RESTORE_SECONDS, Life, Shelf
from tuner.errors import BackendError
from tuner.log import StudyLog
from tuner.pipeline import AgentResult
from tuner.trial import Command, Outcome

EPOCH = 1_000_000_000.0


class VirtualClock:
    """Seconds since the epoch that pass only when somebody lets them."""

    def __init__(self, start: float = EPOCH) -> None:
        self.seconds = start

    def __call__(self) -> float:
        """The virtual time now."""
        return self.seconds


@dataclass(slots=True, eq=False)
class _Running:
    attempt: Attempt
    life: Life
    steps: Generator[float, None, AgentResult]
    generation: int = 0
    ending: bool = False


@dataclass(order=True, slots=True)
class _Event:
    time: float
    sequence: int
    action: Callable[[], None] = field(compare=False)


class SimulatedRunner:
    """An `AttemptRunner` in virtual time.

    Args:
        log: Where the simulated agents write.
        blackbox: How long stages take and what they report.
        clock: Virtual; the store and the log are given the same one.
        faults: Which attempts are killed, and when.
        restore_seconds: How long a cached stage's artifact takes to be put back.
    """

    def __init__(
        self,
        *,
        log: StudyLog,
        blackbox: Blackbox,
        clock: VirtualClock,
        faults: FaultPlan | None = None,
        restore_seconds: float = RESTORE_SECONDS,
    ) -> None:
        self._log = log
        self._blackbox = blackbox
        self._clock = clock
        self._faults = faults or (lambda trial, attempt: None)
        self._restore_seconds = restore_seconds
        self._shelf = Shelf()
        self._running: dict[tuple[str, int], _Running] = {}
        self._heap: list[_Event] = []
        self._sequence = itertools.count()

    def launch(self, order: Order) -> None:
        """Starts an attempt now; see `AttemptRunner`."""
        if order.id in self._running:
            return
        life = Life(order.plan, self._log, self._blackbox, self._shelf, self._restore_seconds)
        attempt = Attempt(order=order, phase=Phase.RUNNING, start=self.now(), end=self.now())
        running = _Running(attempt, life, life.run())
        self._running[order.id] = running
        self._resume_in(0.0, running)
        deadline = order.grant.deadline_seconds
        if deadline is not None:
            self._at(deadline, lambda: self._interrupt(running, Command.STOP, Cause.DEADLINE))
        fault = self._faults(*order.id)
        if fault is not None:
            self._at(fault.after_seconds, lambda: self._kill(running, fault.message))

    def command(self, trial: str, command: Command) -> None:
        """Interrupts the trial's attempt at this instant; see `AttemptRunner`."""
        for (name, _), running in list(self._running.items()):
            if name == trial:
                self._interrupt(running, command, Cause.NONE)

    def attempts(self) -> Sequence[Attempt]:
        """Every attempt that was not removed; see `AttemptRunner`."""
        return [self._now(one.attempt) for one in self._running.values()]

    def wait(self, timeout_seconds: float) -> None:
        """Lets time pass to the next event, at most so far; what is due then happens."""
        until = self.now() + timeout_seconds
        if not self._heap or self._heap[0].time > until:
            self._clock.seconds = until
            return
        self._clock.seconds = max(self.now(), self._heap[0].time)
        while self._heap and self._heap[0].time <= self.now():
            heapq.heappop(self._heap).action()

    def remove(self, trial: str, attempt: int) -> None:
        """Forgets an ended attempt; see `AttemptRunner`."""
        known = self._running.get((trial, attempt))
        if known is not None and known.attempt.phase is not Phase.ENDED:
            raise BackendError(f"attempt {attempt} of {trial} has not ended")
        self._running.pop((trial, attempt), None)

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self._clock()

    def close(self) -> None:
        """Nothing to let go of."""

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        event = _Event(self.now() + max(0.0, seconds), next(self._sequence), action)
        heapq.heappush(self._heap, event)

    def _resume_in(self, seconds: float, running: _Running) -> None:
        generation = running.generation
        self._at(seconds, lambda: self._step(running, generation))

    def _step(self, running: _Running, generation: int) -> None:
        if running.attempt.phase is Phase.ENDED or running.generation != generation:
            return
        try:
            seconds = next(running.steps)
        except StopIteration as end:
            self._end(running, result=end.value)
        except Killed as death:
            self._kill(running, str(death))
        else:
            self._resume_in(seconds, running)

    def _interrupt(self, running: _Running, command: Command, cause: Cause) -> None:
        if running.attempt.phase is Phase.ENDED or running.ending:
            return
        outcome = Outcome.PAUSED if command is Command.CHECKPOINT else Outcome.STOPPED
        running.attempt = replace(running.attempt, cause=cause)
        running.ending = True
        running.generation += 1
        running.steps = running.life.ended(outcome, "Command", f"told to {command}")
        self._resume_in(0.0, running)

    def _kill(self, running: _Running, message: str) -> None:
        if running.attempt.phase is not Phase.ENDED:
            running.attempt = replace(running.attempt, cause=Cause.LOST, message=message)
            self._end(running, result=None)

    def _end(self, running: _Running, *, result: AgentResult | None) -> None:
        running.attempt = replace(running.attempt, phase=Phase.ENDED, end=self.now(), result=result)

    def _now(self, attempt: Attempt) -> Attempt:
        if attempt.phase is Phase.ENDED:
            return attempt
        return replace(attempt, end=self.now())
