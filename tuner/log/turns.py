"""Whose turn it is to write a segment: everybody can tell, and nobody has to be asked. Pure.

Time is cut into intervals, and each has an endless row of workers, drawn by hash, with repetition.
The first of the row is to act when the interval begins, the next five seconds later, and so on:
whoever is dead is passed over, and two that act at once do no harm.
"""

from __future__ import annotations

from hashlib import blake2b

from tuner.log.following import CUT_SECONDS

STAND_IN_SECONDS = 5.0
"""After so long the next in the row acts."""

_INTERVALS = 8


def is_due(*, ordinal: int, workers: int, study: str, now: float, newest: float) -> bool:
    """Whether a worker should write a segment now.

    Args:
        ordinal: Of the worker.
        workers: How many there are.
        study: Makes studies differ.
        now: Seconds, store's clock.
        newest: When the newest known segment ended; what began before is done.
    """
    current = int(now // CUT_SECONDS)
    for interval in range(current, max(current - _INTERVALS, int(newest // CUT_SECONDS)), -1):
        waited = now - interval * CUT_SECONDS
        row = range(1 + int(waited // STAND_IN_SECONDS))
        if any(drawn(study, interval, place, workers) == ordinal for place in row):
            return True
    return False


def drawn(study: str, interval: int, place: int, workers: int) -> int:
    """Who has this place in the row of an interval."""
    digest = blake2b(f"{study}/{interval}/{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % max(1, workers)
