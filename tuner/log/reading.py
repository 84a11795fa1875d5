"""What a reader of the log remembers, and which of the listed records are new: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuner.log.keys import LogKey, parse_log_name
from tuner.log.records import Kind

MARGIN_MILLISECONDS = 120_000
"""How far a reader looks back: more than clock skew and a slow put in sum."""

LogicalId = tuple[str, str, int, str]

_KINDS = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come. A value: reading again from an old one gives the same again.

    Attributes:
        milliseconds: Nothing below it, less the margin, is expected any more.
        seen: Logical ids that were handed out; a record may be written twice at any distance.
    """

    milliseconds: int = 0
    seen: frozenset[LogicalId] = frozenset()

    @property
    def start_after(self) -> str:
        """Names beyond this one are listed."""
        return f"{max(self.milliseconds - MARGIN_MILLISECONDS, 0):013d}"

    def advanced(self, keys: Iterable[LogKey], *, listed_milliseconds: int) -> Cursor:
        """The cursor after handing out `keys`.

        A writer whose clock is ahead must not carry readers past the records of others: the
        cursor never passes the store's time at which the listing began.
        """
        keys = list(keys)
        newest = max((key.milliseconds for key in keys), default=0)
        position = max(self.milliseconds, min(newest, listed_milliseconds))
        seen = self.seen.union(key.logical_id for key in keys) if keys else self.seen
        return Cursor(position, seen)


def new_records(
    names: Iterable[str], *, seen: frozenset[LogicalId] = frozenset()
) -> list[list[LogKey]]:
    """Of names in key order: the writes of every record that was not seen before.

    The first write of each is the one that counts; the later ones are for when it cannot be read.
    Names that are no records, and kinds of later versions, are passed over.
    """
    writes: dict[LogicalId, list[LogKey]] = {}
    for key in filter(None, map(parse_log_name, names)):
        if key.kind in _KINDS and key.logical_id not in seen:
            writes.setdefault(key.logical_id, []).append(key)
    return list(writes.values())
