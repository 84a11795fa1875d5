"""The thread that does jobs, so that a slow or absent store never holds up a stage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from tuner.agent.jobs import Answer, Job, WriteAll
from tuner.errors import TunerError

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0

_logger = logging.getLogger(__name__)


class Doer(Protocol):
    """Who does the jobs: `Keeper`, or a test's stand-in."""

    def do(self, job: Job | WriteAll) -> Answer:
        """Does a job. TunerError and OSError mean: worth doing again, here or in a next pod."""

    def heartbeat(self) -> None:
        """Says in the store that this attempt is alive. May raise StoreError or OSError."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: an answer, or why it was given up or broke."""

    job: Job | WriteAll
    answer: Answer | None = None
    given_up: str = ""
    error: BaseException | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the state that it is about."""
        return self.job.writes if isinstance(self.job, WriteAll) else (self.job,)


class Hands:
    """Does one job at a time, again and again while the store is away.

    Args:
        doer: Who does them.
        wake: Called from the thread when a job has come to something.
        away_seconds: How long the store may stay away before a job is given up.
    """

    def __init__(self, doer: Doer, *, wake: Callable[[], None], away_seconds: float) -> None:
        self._doer = doer
        self._wake = wake
        self._away_seconds = away_seconds
        self._jobs: SimpleQueue[Job | WriteAll | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._closed = threading.Event()
        self._busy = False
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether a job is under way whose outcome was not fetched."""
        return self._busy

    def start(self, job: Job | WriteAll) -> None:
        """Begins a job; none may be under way."""
        self._busy = True
        self._jobs.put(job)

    def fetch(self) -> Outcome | None:
        """What came of the job under way, once. Raises what broke the thread."""
        if self._outcomes.empty():
            return None
        outcome = self._outcomes.get()
        self._busy = False
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def close(self) -> None:
        """Ends the thread after the try under way."""
        self._closed.set()
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed.is_set():
            try:
                outcome = self._do(job)
            except BaseException as error:
                # Whatever it is belongs to the main thread.
                outcome = Outcome(job=job, error=error)
            self._outcomes.put(outcome)
            self._wake()

    def _do(self, job: Job | WriteAll) -> Outcome:
        pause, since = _FIRST_PAUSE_SECONDS, None
        while True:
            try:
                return Outcome(job=job, answer=self._doer.do(job))
            except (TunerError, OSError) as error:
                now = time.monotonic()
                since = now if since is None else since
                _logger.warning("%s failed: %s", type(job).__name__, error)
                if now - since >= self._away_seconds or self._closed.is_set():
                    return Outcome(job=job, given_up=str(error) or type(error).__name__)
            self._closed.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
