"""The store's clock, estimated from the `Date` of its answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

DRIFT_PER_SECOND = 2e-4
"""How fast two ordinary clocks may part; widens the estimate with its age."""


class StoreClock:
    """Bounds the offset between the store's clock and this machine's.

    A `Date` D (whole seconds) on an answer to a request that lasted from `sent` to `received` says
    that the offset lies between D - received and D + 1 - sent. Answers narrow that interval; a
    clock that was set starts it anew. Inside the interval the offset nearest to 0 is taken: this
    machine's clock is believed until the store's contradicts it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._bounds: tuple[float, float] | None = None
        self._observed = float("-inf")

    def observe(self, date: str | None, *, sent: float, received: float) -> None:
        """Takes in the `Date` header of one answer; anything unreadable is passed over."""
        try:
            stamp = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        low, high = stamp - received, stamp + 1.0 - sent
        with self._lock:
            if self._bounds is not None:
                slack = DRIFT_PER_SECOND * abs(received - self._observed)
                older_low, older_high = self._bounds[0] - slack, self._bounds[1] + slack
                if max(low, older_low) <= min(high, older_high):
                    low, high = max(low, older_low), min(high, older_high)
            self._bounds, self._observed = (low, high), received

    @property
    def age_seconds(self) -> float:
        """Since the last observation; infinite before the first."""
        return abs(self._clock() - self._observed)

    def now(self) -> float:
        """The store's time; this machine's before the first observation."""
        with self._lock:
            low, high = self._bounds or (0.0, 0.0)
        return self._clock() + min(max(0.0, low), high)
