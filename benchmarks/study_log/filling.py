"""Putting a long study's log into the store as it would lie there: merged, fresh, single."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.study_log.made_up import STUDY, history, line
from benchmarks.study_log.server import Server
from tuner.artifacts import Patience
from tuner.log import study_prefix
from tuner.log.following import (
    CUT_SECONDS,
    GRACE_SECONDS,
    LOOKBACK_MILLISECONDS,
    ROLL_MILLISECONDS,
)
from tuner.log.segments import Block, SegmentName, new_block
from tuner.log.shelf import Shelf

PREFIX = study_prefix("bench", STUDY, uid="1")
MERGED = 20
"""Segments in a merged one."""


@dataclass(frozen=True)
class Filled:
    """What lies in the store."""

    trials: int
    objects: int
    segments: int
    merged: int
    singles: int
    bytes_raw: int
    bytes_stored: int


def fill(server: Server, *, trials: int, workers: int, rate: float, verdicts: int) -> Filled:
    """Fills the store with a study that has run until now.

    Single records are those of the time in which they are not yet deleted.
    """
    store = server.store()
    end = store.now()
    lines: dict[int, list[tuple[str, bytes]]] = defaultdict(list)
    for at, name, data in history(trials, workers=workers, rate=rate, end=end, verdicts=verdicts):
        lines[int(at // CUT_SECONDS)].append((name, data))
    shelf = Shelf(store, PREFIX, patience=Patience(seconds=0))
    blocks: list[Block] = []
    raw = 0
    for interval in sorted(lines):
        stop = round((interval + 1) * CUT_SECONDS * 1000)
        if stop / 1000 > end:
            break
        found = [line(name, data) for name, data in sorted(lines[interval])]
        raw += sum(map(len, found))
        blocks.append(new_block(SegmentName(stop - ROLL_MILLISECONDS, stop, "c0-fill"), found))
    merged = _shelve(shelf, blocks, end=end)
    singles = [
        one
        for interval in lines
        if interval * CUT_SECONDS > end - GRACE_SECONDS - CUT_SECONDS
        for one in lines[interval]
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: store.put(f"{PREFIX}/log/{one[0]}", one[1]), singles))
    return Filled(
        trials=trials,
        objects=sum(map(len, lines.values())),
        segments=len(blocks),
        merged=merged,
        singles=len(singles),
        bytes_raw=raw,
        bytes_stored=sum(len(one.data) for one in blocks),
    )


def _shelve(shelf: Shelf, blocks: list[Block], *, end: float) -> int:
    """Writes blocks as segments: old ones merged, the others one by one, each with some before."""
    ripe = [one for one in blocks if one.name.end < end * 1000 - 2 * LOOKBACK_MILLISECONDS]
    count = len(ripe) // MERGED
    for index in range(count):
        part = ripe[index * MERGED : (index + 1) * MERGED]
        name = SegmentName(part[0].name.begin, part[-1].name.end, "m0-fill")
        shelf.put(name, blocks=part)
    for index in range(count * MERGED, len(blocks)):
        own = blocks[index]
        part = [one for one in blocks[max(0, index - 8) : index] if one.name.end > own.name.begin]
        shelf.put(own.name, blocks=[*part, own])
    return count
