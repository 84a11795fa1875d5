"""Times: seconds since the epoch inside, RFC 3339 outside."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST = 946684800.0
"""The year 2000: the kubelet writes 1970 for a container that never started."""


def parse(text: str | None) -> float | None:
    """The moment that an RFC 3339 text names; None for none and for times before 2000."""
    if not text:
        return None
    seconds = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    return seconds if seconds >= EARLIEST else None


def moment(seconds: float) -> datetime:
    """That moment, to the second."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)


def render(seconds: float) -> str:
    """That moment as RFC 3339, to the second."""
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(value: datetime | None) -> float | None:
    """Seconds since the epoch of a moment."""
    return None if value is None else value.timestamp()
