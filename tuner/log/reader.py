"""Reading a study log from its beginning and on, each record once."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import ObjectCorrupt, ObjectMissing, ObjectTooLarge, StoreUnreachable
from tuner.log.following import (
    ALONE_NAMES,
    AWAY_MILLISECONDS,
    LOOKBACK_MILLISECONDS,
    ROLL_MILLISECONDS,
    STALE_MILLISECONDS,
    Crowd,
)
from tuner.log.keys import LogKey
from tuner.log.reading import (
    MARGIN_MILLISECONDS,
    in_key_order,
    mark_of,
    new_records,
    records_of,
    records_of_lines,
)
from tuner.log.records import Record
from tuner.log.seen import Seen
from tuner.log.segments import Block, SegmentName, route
from tuner.log.shelf import Shelf, Shelved
from tuner.log.singles import Missed, Singles

_AT_ONCE = 1000
_LINES_AT_ONCE = 250
"""Of a segment: some 500 records, as lines of what ended together hold several."""

_RELISTINGS = 5
_NEVER = -1

_logger = logging.getLogger(__name__)


class LogReader:
    """Hands out every record of a log once, from segments and from single objects.

    Its memory does not grow with the log, but for some 20 bytes a record up to a bound; beyond it a
    record that is written twice, millions of records apart, is handed out twice. After an error the
    next call goes on where this one ended. For one thread.

    Args:
        store: Where the study is.
        prefix: Of the study.
        patience: How long one request outlasts an unreachable store.
        crowd: With whom it shares the work; None to read everything itself.
        complete: Whether single records are listed from the beginning, however old.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        *,
        patience: Patience,
        crowd: Crowd | None = None,
        complete: bool = False,
    ) -> None:
        self._prefix = prefix
        self._patience = patience
        self.use(store)
        self._crowd = crowd
        self._complete = complete
        self._seen = Seen()
        self._done: set[SegmentName] = set()
        self._read: list[Record] = []
        self._position = 0
        self._synced = _NEVER
        self._look = True
        self._newest = 0
        self._pace = 0.0
        self.crowded = False

    @property
    def newest_segment(self) -> int:
        """The end of the newest segment that it knows of: milliseconds, 0 before the first."""
        return self._newest

    def use(self, store: ArtifactStore) -> None:
        """Goes on with another way to the same objects, e.g. with new credentials."""
        self._store = store
        self._shelf = Shelf(store, self._prefix, patience=self._patience)
        self._singles = Singles(store, self._prefix, patience=self._patience)

    def note(self, record: Record) -> None:
        """Tells of a record that its caller wrote and knows: it is not handed out."""
        self._seen.add(mark_of(record))

    def read(self) -> list[Record]:
        """What has come since the last call, in key order."""
        for records in self.batches():
            self._read += records
        found, self._read = self._read, []
        return in_key_order(found)

    def batches(self) -> Iterator[list[Record]]:
        """What has come since the last call, in some order and in pieces.

        A caller that ends in the middle loses nothing: the next call goes on from there.
        """
        listed = round(self._store.now() * 1000)
        self._look = self._look or listed - self._synced > AWAY_MILLISECONDS
        if self._look or self.crowded:
            yield from self._from_segments(listed)
        if not self._segments_suffice(listed):
            yield from self._from_singles(listed)
        self._done = {one for one in self._done if one.end > self._floor()}
        self._synced = listed

    def _from_segments(self, listed: int) -> Iterator[list[Record]]:
        for _ in range(_RELISTINGS):
            shelved = self._listed_segments()
            try:
                for name in route((one.name for one in shelved), done=self._is_done):
                    yield from self._from_segment(name)
            except ObjectMissing:
                # Merged into another and deleted since it was listed, long ago.
                self._look = True
                continue
            break
        else:
            raise StoreUnreachable("segments of the study log vanish while they are being read")
        ends = [one.name.end for one in shelved if one.name.end <= listed]
        self._newest = max([self._newest, *ends])
        self._position = max(self._position, self._newest)
        self._look = False

    def _listed_segments(self) -> Sequence[Shelved]:
        floor = self._floor()
        return self._shelf.listing(begin=0 if self._look else floor - ROLL_MILLISECONDS)

    def _from_segment(self, name: SegmentName) -> Iterator[list[Record]]:
        try:
            blocks = self._shelf.get(name)
        except (ObjectCorrupt, ObjectTooLarge) as error:
            _logger.warning("passed over a segment of the study log: %s", error)
            blocks = []
        for block in blocks:
            if not self._is_done(block.name):
                yield from self._from_block(block)
        self._done.add(name)
        self._pace = sum(one.lines for one in blocks) / (name.end - name.begin)

    def _from_block(self, block: Block) -> Iterator[list[Record]]:
        try:
            pieces = block.pieces(_LINES_AT_ONCE)
            while (records := self._next_of(pieces)) is not None:
                yield records
        except ObjectCorrupt as error:
            _logger.warning("passed over a block of the study log: %s", error)
        self._done.add(block.name)

    def _next_of(self, pieces: Iterator[list[tuple[str, object]]]) -> list[Record] | None:
        with _without_collecting():
            rows = next(pieces, None)
            return None if rows is None else records_of_lines(rows, seen=self._seen)

    def _is_done(self, name: SegmentName) -> bool:
        return name in self._done or name.end <= self._floor()

    def _floor(self) -> int:
        """Segments that ended before it are known."""
        return _NEVER if self._synced == _NEVER else self._position - LOOKBACK_MILLISECONDS

    def _segments_suffice(self, listed: int) -> bool:
        """Whether segments are what this reader lives on, now."""
        if self._complete or not self.crowded or self._synced == _NEVER:
            return False
        busy = self._pace * MARGIN_MILLISECONDS >= self._most_names / 2
        return busy and listed - self._newest < STALE_MILLISECONDS

    def _from_singles(self, listed: int) -> Iterator[list[Record]]:
        names = self._listed_names()
        self.crowded = len(names) > self._most_names
        leaves = self._crowd is not None and self.crowded
        writes = new_records(names, seen=self._seen)
        if self._crowd is not None and leaves:
            writes = [keys for keys in writes if keys[0].trial.startswith(self._crowd.own)]
        missed, newest = Missed(), 0
        for start in range(0, len(writes), _AT_ONCE):
            found = self._singles.fetch(writes[start : start + _AT_ONCE], missed=missed)
            newest = max([newest, *(one.key.milliseconds for one in found)])
            yield [record for one in found for record in self._records(one.key, one.body)]
        self._look = self._look or missed.count > 0
        if not leaves:
            # A writer whose clock is ahead must not carry readers past the records of others.
            self._position = max(self._position, min(newest, listed))

    def _listed_names(self) -> list[str]:
        begin = 0 if self._complete else max(self._position - MARGIN_MILLISECONDS, 0)
        # Whoever starts looks for its own records, however many there are of others.
        most = None if self._crowd is None or self._synced == _NEVER else self._most_names + 1
        return self._singles.names(after=f"{begin:013d}", most=most)

    @property
    def _most_names(self) -> int:
        return ALONE_NAMES if self._crowd is None else self._crowd.most_names

    def _records(self, key: LogKey, body: object) -> list[Record]:
        if not isinstance(body, dict):
            return []
        try:
            return records_of(key, body, seen=self._seen)
        except ObjectCorrupt as error:
            _logger.warning("passed over records of the study log: %s: %s", key.trial, error)
            return []


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing in thousands of fresh rows is garbage: looking for it would double their cost."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
