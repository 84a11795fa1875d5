"""Who a worker is, and what is wanted of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Who a worker is.

    Attributes:
        study: The study's name.
        ordinal: The worker's, from 0.
        seed: The study's.
    """

    study: str
    ordinal: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How many trials are wanted now, as the study's manifest says at the moment.

    Attributes:
        slots: How many trials this worker keeps open.
        ahead: How many more it proposes ahead, to wait in the queue until a slot is free: the
            next pod then starts sooner, and its proposal knows a little less.
        prepared: Whether it makes its next proposal while trials run, before a slot is free.
        max_trials: How many the whole study may start; None for no bound.
        ended: Whether the study has ended.
    """

    slots: int
    ahead: int = 0
    prepared: bool = False
    max_trials: int | None = None
    ended: bool = False
