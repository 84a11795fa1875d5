"""A clock that never shows the same time twice."""

from __future__ import annotations

from collections.abc import Callable

STEP_SECONDS = 0.001
"""The resolution of the times in the study log."""


class Rising:
    """Another clock's time, or a step beyond what was shown last.

    The log orders records by their times: with this clock, by the order of the calls, so that the
    same calls make the same log, however fast they follow upon each other.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = float("-inf")

    def __call__(self) -> float:
        """Seconds since the epoch."""
        self._last = max(self._clock(), self._last + STEP_SECONDS)
        return self._last
