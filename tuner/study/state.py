"""The study as a value: its open trials, and what those that have ended came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tuner.study.claims import Grant, Ledger, Running
from tuner.study.ends import End, Tally
from tuner.study.terms import Terms
from tuner.trial import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrial:
    """A trial that has not ended.

    Attributes:
        name: Of the trial.
        created: When it was proposed, seconds since the epoch.
        price_per_hour: USD, of its dearest instance type.
        admitted: Whether it ever was.
        grant: Under which it runs; None while it is queued or paused.
        spent_usd: By all its attempts so far.
        spent_seconds: Of its attempts that are over.
        told: The last command that it was given in this attempt.
        rung: Where its last attempt was paused; None if it goes on by itself.
        promoted: The highest rung from which it was promoted; 0 before the first.
    """

    name: str
    created: float
    price_per_hour: float
    admitted: bool = False
    grant: Grant | None = None
    spent_usd: float = 0.0
    spent_seconds: float = 0.0
    told: Command | None = None
    rung: float | None = None
    promoted: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether it waits at a rung to be promoted."""
        return self.grant is None and self.rung is not None and self.promoted < self.rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study as it stands.

    Attributes:
        terms: What the manifest asks.
        workers: How many workers propose.
        trials: The open ones by name.
        tally: Counts of those that have ended.
        started: How many were admitted at least once, cancelled ones left out.
        spent_usd: By trials that have ended.
        exhausted: Workers with nothing left to propose.
        idle: Workers with nothing left to propose or to promote, and with how many trials.
        clock_seconds: Of the study's clock, up to `clock_time`.
        clock_time: When the clock was last read; None before the first trial started.
        end: The end that is being carried out, or was.
        finished: Whether every trial has ended after it.
    """

    terms: Terms
    workers: int = 1
    trials: Mapping[str, OpenTrial] = field(default_factory=lambda: MappingProxyType({}))
    tally: Tally = field(default_factory=Tally)
    started: int = 0
    spent_usd: float = 0.0
    exhausted: frozenset[int] = frozenset()
    idle: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    clock_seconds: float = 0.0
    clock_time: float | None = None
    end: End | None = None
    finished: bool = False

    @property
    def running(self) -> tuple[Running, ...]:
        """The trials that run under a grant."""
        return tuple(
            Running(
                trial=one.name,
                price_per_hour=one.price_per_hour,
                spent_usd=one.spent_usd,
                worst_usd=one.grant.worst_usd,
            )
            for one in self.trials.values()
            if one.grant is not None
        )

    def ledger(self, *, now: float) -> Ledger:
        """How money and time stand."""
        return Ledger(
            spent_usd=self.spent_usd + sum(one.spent_usd for one in self.trials.values()),
            started=self.started,
            seconds=self.clock_seconds,
            now=now,
        )

    def count(self) -> Tally:
        """How all trials stand, open ones included."""
        admitted = sum(one.admitted for one in self.trials.values())
        return replace(
            self.tally,
            queued=len(self.trials) - admitted,
            open=admitted,
            paused=sum(one.waits for one in self.trials.values()),
            workers=self.workers,
            exhausted=len(self.exhausted),
            idle=sum(trials == self.tally.proposed for trials in self.idle.values()),
        )
