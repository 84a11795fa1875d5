"""From spans of evaluations to the busy share of some places: pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SLICE_SECONDS = 10.0
"""Spread is told over slices of a window about as long as an evaluation."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One evaluation: when it began and ended, seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a run that counts, seconds since the epoch."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def slices(self, seconds: float = SLICE_SECONDS) -> list[Window]:
        """It in parts of equal length, each about so long."""
        count = max(1, round(self.seconds / seconds))
        edges = [self.start + index * self.seconds / count for index in range(count + 1)]
        return [Window(*pair) for pair in pairwise(edges)]


def steady(spans: Sequence[Span], *, warm_up: float, seconds: float) -> Window:
    """The window that begins so long after the first evaluation.

    Raises ValueError if no evaluation ended after it, for then the run was cut off before.
    """
    if not spans:
        raise ValueError("no evaluation was seen")
    start = min(spans).start + warm_up
    if max(span.end for span in spans) < start + seconds:
        raise ValueError("the run ended before its window")
    return Window(start, start + seconds)


def busy_share(spans: Sequence[Span], *, places: int, window: Window) -> float:
    """Seconds of evaluations within the window over places times its length."""
    inside = (min(one.end, window.end) - max(one.start, window.start) for one in spans)
    return math.fsum(max(0.0, seconds) for seconds in inside) / (places * window.seconds)


def slice_shares(spans: Sequence[Span], *, places: int, window: Window) -> list[float]:
    """The busy share of each slice of the window."""
    return [busy_share(spans, places=places, window=one) for one in window.slices()]


def idle_seconds(share: float, *, evaluation: float) -> float:
    """How long a place waits between two evaluations, from its busy share; infinite at 0."""
    return evaluation * (1.0 / share - 1.0) if share else math.inf
