"""Trying again while the store is away."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tuner.errors import StoreUnreachable

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try again, and with which clock.

    Attributes:
        seconds: From the first failure on; 0 tries once.
        clock: Monotonic seconds.
        sleep: Waits; may raise to give up early, e.g. when the process is told to stop.
        rng: Spreads the pauses, so that many agents do not return at the same instant.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def call(self, action: Callable[[], T]) -> T:
        """Calls until the store answers. Raises the last StoreUnreachable when time is up."""
        pause, deadline = FIRST_PAUSE_SECONDS, None
        while True:
            try:
                return action()
            except StoreUnreachable:
                now = self.clock()
                deadline = now + self.seconds if deadline is None else deadline
                if now >= deadline:
                    raise
                self.sleep(min(pause * self.rng.uniform(0.5, 1.0), deadline - now))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
