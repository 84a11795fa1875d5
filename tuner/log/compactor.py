"""Writing segments: what is in nobody's segment yet, and several segments as one.

Any process may do it, at any time, beside any number of others: everything rests on what listings
show, nothing on what a process remembers, and a crash leaves no more than an object nobody needs.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import ObjectCorrupt
from tuner.log.following import (
    CUT_SECONDS,
    LOOKBACK_MILLISECONDS,
    ROLL_MILLISECONDS,
)
from tuner.log.keys import LogKey, log_name, parse_log_name
from tuner.log.reading import MARGIN_MILLISECONDS
from tuner.log.segments import Block, SegmentName, line_of, new_block, route
from tuner.log.shelf import Shelf
from tuner.log.singles import Missed, Singles

MOST_SINGLES = 20_000
"""Single records that one segment takes in; a longer backlog takes several."""

STRAY_MILLISECONDS = 900_000
"""A single record that is older was passed over, or is a copy: it is taken in again."""

MOST_STRAYS = 1000
LONGEST_MILLISECONDS = 30_000
"""A segment that takes longer to gather is written with what there is."""

MOST_BYTES = 16 << 20
"""Of the blocks in one segment, unless one alone is larger."""

_FETCHED_AT_ONCE = 1000
_SOON = 0.7

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What a compaction wrote.

    Attributes:
        name: The segment.
        singles: How many single records went into it.
        left: Whether more are waiting.
    """

    name: SegmentName
    singles: int
    left: bool


class Compactor:
    """Writes the segments of one study.

    Args:
        store: Where the study is.
        prefix: Of the study.
        ordinal: Of the worker; names of segments tell it.
        patience: How long one request outlasts an unreachable store; by default not at all.
    """

    def __init__(
        self, store: ArtifactStore, prefix: str, *, ordinal: int, patience: Patience | None = None
    ) -> None:
        patience = patience or Patience(seconds=0)
        self._store = store
        self._shelf = Shelf(store, prefix, patience=patience)
        self._singles = Singles(store, prefix, patience=patience)
        self._ordinal = ordinal

    def cut(self, *, force: bool = False) -> Cut | None:
        """Writes what is in no segment into a new one; None if there is nothing to write.

        Args:
            force: Whether to do so although somebody has just done it.
        """
        now = self._now()
        shelved = [one.name for one in self._shelf.listing() if one.name.end <= now]
        newest = max((one.end for one in shelved), default=0)
        if now - newest < _SOON * CUT_SECONDS * 1000 and not force:
            return None
        blocks = self._recent_blocks(shelved, newest)
        taken = {name for block in blocks for name in _names_in(block)}
        lines, left = self._fresh(taken, newest=newest, now=now)
        end = now if left is None else left.milliseconds
        name = self._name("c", max(0, end - ROLL_MILLISECONDS), end)
        if not lines or end <= name.begin:
            return None
        repeated = [one for one in reversed(blocks) if one.name.end > name.begin]
        held = _bounded([new_block(name, lines), *repeated])
        self._shelf.put(name, blocks=sorted(held, key=_age))
        return Cut(name=name, singles=len(lines), left=left is not None)

    def merge(self, names: Sequence[SegmentName]) -> SegmentName | None:
        """Writes one segment with the blocks of several; None if they cannot be read."""
        wanted = set(names)
        blocks: dict[SegmentName, Block] = {}
        for name in route(names, done=lambda one: one in blocks):
            for block in self._shelf.readable(name):
                if block.name in wanted:
                    blocks.setdefault(block.name, block)
        chosen = _bounded(sorted(blocks.values(), key=_age))
        if len(chosen) < 2:
            return None
        begin = min(one.name.begin for one in chosen)
        merged = self._name("m", begin, max(one.name.end for one in chosen))
        self._shelf.put(merged, blocks=chosen)
        return merged

    def _now(self) -> int:
        return round(self._store.now() * 1000)

    def _name(self, kind: str, begin: int, end: int) -> SegmentName:
        # Never the same twice: what was written stays as it is.
        return SegmentName(begin, end, f"{kind}{self._ordinal}-{secrets.token_hex(4)}")

    def _recent_blocks(self, shelved: Iterable[SegmentName], newest: int) -> list[Block]:
        """The blocks that may hold what a listing of the last minutes shows; the oldest first."""
        recent = [one for one in shelved if one.end > newest - LOOKBACK_MILLISECONDS]
        found: dict[SegmentName, Block] = {}
        for name in route(recent, done=lambda one: one in found):
            # What cannot be read counts as in no segment, and is taken in again.
            found.update((block.name, block) for block in self._shelf.readable(name))
        floor = newest - LOOKBACK_MILLISECONDS
        kept = [one for one in found.values() if one.name.end > floor]
        return sorted(kept, key=_age)

    def _fresh(
        self, taken: set[str], *, newest: int, now: int
    ) -> tuple[list[bytes], LogKey | None]:
        """The lines of what is in no segment, and the first record that is left for next time."""
        start = max(0, newest - MARGIN_MILLISECONDS)
        names = self._singles.names(after=f"{start:013d}")
        keys = _not_in(taken, names)
        lines: list[bytes] = []
        for first in range(0, len(keys), _FETCHED_AT_ONCE):
            if len(lines) >= MOST_SINGLES or self._now() - now > LONGEST_MILLISECONDS:
                return lines, keys[first]
            lines += self._lines(keys[first : first + _FETCHED_AT_ONCE])
        strays = self._strays(taken, before=min(start, now - STRAY_MILLISECONDS))
        return lines + self._lines(strays), None

    def _strays(self, taken: set[str], *, before: int) -> list[LogKey]:
        names = self._singles.names(before=f"{max(0, before):013d}", most=MOST_STRAYS)
        return _not_in(taken, names)

    def _lines(self, keys: Sequence[LogKey]) -> list[bytes]:
        found = self._singles.fetch([[key] for key in keys], missed=Missed())
        return [line_of(_stem(log_name(one.key)), one.data) for one in found]


def _names_in(block: Block) -> list[str]:
    try:
        return block.names()
    except ObjectCorrupt as error:
        _logger.warning("passed over a block of the study log: %s", error)
        return []


def _bounded(blocks: Sequence[Block]) -> list[Block]:
    """As many of the first blocks as one segment may hold, at least one."""
    total = 0
    for count, block in enumerate(blocks):
        total += len(block.data)
        if total > MOST_BYTES and count:
            return list(blocks[:count])
    return list(blocks)


def _not_in(taken: set[str], names: Iterable[str]) -> list[LogKey]:
    parsed = (parse_log_name(name) for name in names if _stem(name) not in taken)
    return [key for key in parsed if key is not None]


def _age(block: Block) -> tuple[int, str]:
    return block.name.end, block.name.writer


def _stem(name: str) -> str:
    return name.removesuffix(".json")
