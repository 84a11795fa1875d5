"""Whose turn it is to write a segment: everybody can tell, and nobody has to be asked. Pure.

Time is cut into intervals, and a worker is drawn by hash for each. One that is dead, or busy, is
made up for in the next interval; if that goes on, two, four, eight are drawn at once. Two that act
at once do no harm, but a store that is slow is not helped by many.
"""

from __future__ import annotations

from hashlib import blake2b

from tuner.log.following import CUT_SECONDS

DOUBLING_SECONDS = 60.0
"""Without a segment for so long, twice as many are drawn."""

_MOST_DOUBLINGS = 3
"""Each that acts reads all that is not written yet: more would bring down a store that is slow."""


def is_due(
    *, ordinal: int, workers: int, study: str, now: float, newest: float, pause: float = 0.0
) -> bool:
    """Whether a worker should write a segment now.

    Args:
        ordinal: Of the worker.
        workers: How many there are.
        study: Makes studies differ.
        now: Seconds, store's clock.
        newest: When the newest known segment ended; an interval that began before it is done.
        pause: How old that knowledge may be although nothing is wrong.
    """
    interval = int(now // CUT_SECONDS)
    if newest >= interval * CUT_SECONDS:
        return False
    stale = max(0.0, now - newest - pause)
    count = 1 << min(int(stale // DOUBLING_SECONDS), _MOST_DOUBLINGS)
    return any(drawn(study, interval, place, workers) == ordinal for place in range(count))


def drawn(study: str, interval: int, place: int, workers: int) -> int:
    """The worker at this place in the row of an interval; one may be there more than once."""
    digest = blake2b(f"{study}/{interval}/{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % max(1, workers)
