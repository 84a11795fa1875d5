"""Attempts as processes: `python -m tuner.agent`, which starts the runner and its stages."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tuner.artifacts import StoreSettings, encode_settings
from tuner.backends.attempts import Attempt, Cause, Order, Phase
from tuner.backends.local import reaper
from tuner.backends.local.cpus import Cpus
from tuner.backends.local.folder import AttemptFolder, never_ran
from tuner.errors import BackendError
from tuner.trial import Command

TICK_SECONDS = 0.05
FLUSH_SECONDS = 30.0
"""What an agent may take beyond the stage's grace period to store what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """Where and how attempts run.

    Attributes:
        folder: Holds a folder for each attempt.
        working_folder: Where the stages' commands are started: the manifest's folder.
        store: Given to the agents.
        cpus: Cores of each instance type, by name; None where the type does not say.
        environment: Of the agents and stages; this process's by default.
    """

    folder: Path
    working_folder: Path
    store: StoreSettings
    cpus: Mapping[str, float | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(slots=True, eq=False)
class _Job:
    attempt: Attempt
    folder: AttemptFolder
    process: subprocess.Popen[bytes] | None = None
    cpus: frozenset[int] = frozenset()
    kill_at: float | None = None


class LocalRunner:
    """An `AttemptRunner` on this machine. Killed, it takes its attempts with it.

    Args:
        settings: Where and how.
        clock: Seconds since the epoch.
    """

    def __init__(self, settings: LocalSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._token = hashlib.sha256(str(settings.folder.absolute()).encode()).hexdigest()[:16]
        self._cpus = Cpus(_usable_cpus())
        self._jobs: dict[tuple[str, int], _Job] = {}
        reaper.kill_all(self._token)
        self._find_leftovers()
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, self._token],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def launch(self, order: Order) -> None:
        """Starts an attempt as soon as its CPUs are free; see `AttemptRunner`."""
        if order.id in self._jobs:
            return
        folder = AttemptFolder(Path(order.plan.layout))
        folder.write(order)
        self._jobs[order.id] = _Job(Attempt(order=order, phase=Phase.WAITING), folder)
        self._place()

    def command(self, trial: str, command: Command) -> None:
        """Tells the trial's attempt; one that waits ends at once; see `AttemptRunner`."""
        for job in self._jobs.values():
            if job.attempt.order.plan.trial == trial:
                self._tell(job, command, cause=Cause.NONE)

    def attempts(self) -> Sequence[Attempt]:
        """Every attempt that was not removed; see `AttemptRunner`."""
        self._look()
        return [job.attempt for job in self._jobs.values()]

    def wait(self, timeout_seconds: float) -> None:
        """Until an attempt has ended, or the time is over; see `AttemptRunner`."""
        deadline = time.monotonic() + timeout_seconds
        while not self._look() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(TICK_SECONDS, left))

    def remove(self, trial: str, attempt: int) -> None:
        """Forgets an ended attempt and frees its disk; see `AttemptRunner`."""
        job = self._jobs.get((trial, attempt))
        if job is None:
            return
        if job.attempt.phase is not Phase.ENDED:
            raise BackendError(f"attempt {attempt} of {trial} has not ended")
        job.folder.clear()
        del self._jobs[trial, attempt]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def close(self) -> None:
        """Kills what still runs; a checkpointed trial goes on from there the next time."""
        reaper.kill_all(self._token)
        for job in self._jobs.values():
            if job.process is not None:
                job.process.wait()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait()

    def _find_leftovers(self) -> None:
        for grant in sorted(self._settings.folder.glob("*/*/grant.json")):
            folder = AttemptFolder(grant.parent)
            order = folder.read()
            if order is None:
                # A crash cut off its removal.
                folder.clear()
            else:
                self._jobs[order.id] = _Job(folder.leftover(order), folder)

    def _look(self) -> bool:
        """Takes note of what has ended; whether something has."""
        changed = False
        for job in self._jobs.values():
            if job.process is None or job.attempt.phase is not Phase.RUNNING:
                continue
            if job.process.poll() is not None:
                self._ended(job)
                changed = True
            else:
                job.attempt = replace(job.attempt, end=self.now())
                self._enforce(job)
        self._place()
        return changed

    def _enforce(self, job: _Job) -> None:
        """The deadline by command, then, when that does not help, by force."""
        limit = job.attempt.order.grant.deadline_seconds
        if job.kill_at is None and limit is not None and job.attempt.seconds >= limit:
            self._tell(job, Command.STOP, cause=Cause.DEADLINE)
        if job.kill_at is not None and self.now() >= job.kill_at:
            self._kill(job)

    def _tell(self, job: _Job, command: Command, *, cause: Cause) -> None:
        if job.attempt.phase is Phase.ENDED:
            return
        if job.attempt.phase is Phase.WAITING:
            job.attempt = replace(job.attempt, phase=Phase.ENDED, result=never_ran(command))
            return
        job.folder.tell(command)
        job.attempt = replace(job.attempt, cause=cause)
        job.kill_at = self.now() + job.attempt.order.plan.grace_seconds + FLUSH_SECONDS

    def _kill(self, job: _Job) -> None:
        reaper.kill_all(self._token_of(job.attempt.order))
        if job.process is not None:
            job.process.wait()

    def _ended(self, job: _Job) -> None:
        # Whatever the stages have left running must not disturb who gets the CPUs next.
        reaper.kill_all(self._token_of(job.attempt.order))
        self._cpus.give_back(job.cpus)
        result = job.folder.outcome()
        cause = job.attempt.cause
        if result is None and cause is Cause.NONE:
            cause = Cause.LOST
        job.attempt = replace(
            job.attempt,
            phase=Phase.ENDED,
            end=self.now(),
            result=result,
            cause=cause,
            message="" if result is not None else job.folder.last_words(),
        )

    def _place(self) -> None:
        """First come, first served: a small attempt does not overtake one that waits for more."""
        for job in self._jobs.values():
            if job.attempt.phase is not Phase.WAITING:
                continue
            wanted = self._cpus.wanted(self._settings.cpus.get(job.attempt.order.instance_type))
            cpus = self._cpus.take(wanted)
            if cpus is None:
                message = f"waits for {wanted} free CPU{'s' * (wanted > 1)}"
                job.attempt = replace(job.attempt, message=message)
                return
            job.cpus = cpus
            self._start(job)

    def _start(self, job: _Job) -> None:
        order = job.attempt.order
        job.folder.mark_started()
        with job.folder.agent_log.open("ab") as log:
            job.process = subprocess.Popen(
                self._argv(job.folder),
                cwd=self._settings.working_folder,
                env=self._environment(order),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _pin(job.process.pid, job.cpus)
        now = self.now()
        job.attempt = replace(job.attempt, phase=Phase.RUNNING, start=now, end=now, message="")

    def _argv(self, folder: AttemptFolder) -> list[str]:
        # -P: a random.py in the user's folder must not stand in for the standard library's.
        files = ["--plan", folder.plan, "--command", folder.command, "--result", folder.result]
        return [sys.executable, "-P", "-m", "tuner.agent", *map(str, files), "--start-runner"]

    def _environment(self, order: Order) -> dict[str, str]:
        known = self._settings.environment
        binaries = str(Path(sys.executable).parent)
        return {
            **known,
            "PATH": os.pathsep.join(filter(None, [binaries, known.get("PATH", "")])),
            "TUNER_STORE": encode_settings(self._settings.store),
            reaper.VARIABLE: self._token_of(order),
        }

    def _token_of(self, order: Order) -> str:
        return f"{self._token}/{order.plan.trial}/{order.plan.attempt}."


def _usable_cpus() -> Sequence[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def _pin(process: int, cpus: frozenset[int]) -> None:
    """Before the agent starts anything: what it starts inherits the set."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(process, cpus)
