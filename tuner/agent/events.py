"""What the agent hears: from the runner, the stage, the store, its master and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tuner.agent.jobs import Answer
from tuner.agent.progress import Report
from tuner.trial import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The agent itself started, for the first time in this pod.

    Attributes:
        hold_until: Until when it may wait for a place before the first stage runs, seconds since
            the epoch; None if it has one.
    """

    hold_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A place is free: the first stage may run."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The runner hears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The runner started a stage."""

    number: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A stage's process ended; every report it wrote was taken in before.

    Attributes:
        number: Which run.
        code: Its exit code.
        at: When.
        output: The last lines that it printed, where the agent can see them.
    """

    number: int
    code: int
    at: float
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled:
    """The runner got SIGTERM and has passed it on: the pod is being taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerGone:
    """The runner is dead; every report was taken in before."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Reports were read.

    Attributes:
        reports: All of them, in order.
        kept: Those of them that are passed on.
        offset: Where to read on, in bytes.
        warnings: How often something odd was seen.
        at: When.
    """

    reports: tuple[Report, ...]
    kept: tuple[Report, ...]
    offset: int
    warnings: Mapping[str, int] = field(default_factory=dict)
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The first job is done."""

    answer: Answer
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """The trial's owner wants it paused or stopped."""

    command: Command
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The agent got SIGTERM while the runner is alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAway:
    """The store has stayed away for too long; the job under way was given up."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passes."""

    at: float


Event: TypeAlias = (
    Begun
    | Released
    | Ready
    | Started
    | Exited
    | Signalled
    | RunnerGone
    | Taken
    | Answered
    | Commanded
    | Interrupted
    | StoreAway
    | Tick
)
