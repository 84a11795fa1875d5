"""The log of a study, read incrementally and folded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from tuner.log import Crowd, Kind, Record, StudyLog
from tuner.log.keys import log_key
from tuner.study.chronicle import Chronicle

ENOUGH = 800
"""Records that end a refresh of a log that many write, with the piece that they came in; twice as
many once a sync was not through before the next one was due."""


class LogView:
    """Keeps a chronicle in step with the log: one LIST, and a GET per new record, a refresh.

    One of many readers asks the store less often, reads segments where single records are too many,
    takes in a bounded part at a time, and writes a segment when it is its turn: what it knows of
    others may be some minutes old. What it wrote itself it knows at once.

    Args:
        log: The study's.
        crowd: Who this reader is; None to know all that is in the log after each refresh.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        log: StudyLog,
        *,
        crowd: Crowd | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.log = log
        self.chronicle = Chronicle()
        self._crowd = crowd
        self._clock = clock
        self._reader = log.reader(crowd=crowd)
        self._tender = None if crowd is None else log.tender(crowd)
        self._pieces: Iterator[list[Record]] | None = None
        self._asked = float("-inf")
        self._caught_up = False
        self._enough = ENOUGH
        self._taken: list[Callable[[], None]] = []

    def on_taken(self, action: Callable[[], None]) -> None:
        """Has `action` called whenever some records were taken in: a long log comes in pieces."""
        self._taken.append(action)

    def refresh(self) -> Chronicle:
        """Reads what is new. Raises StoreError; what was read before stays.

        The first refresh reads the whole log, but for the last seconds of a busy one.
        """
        now = self._clock()
        pause = 0.0 if self._crowd is None else self._crowd.pause_seconds
        if self._pieces is None and now - self._asked < pause:
            self._tend()
            return self.chronicle
        if self._pieces is None:
            self._pieces, self._asked = self._reader.batches(), now
        self._take(self._pieces)
        self._tend()
        return self.chronicle

    def append(
        self,
        kind: Kind,
        *,
        trial: str,
        attempt: int,
        part: str = "0",
        body: Mapping[str, object],
    ) -> str:
        """Writes a record down, and knows it; see `StudyLog.append`."""
        key = self.log.append(kind, trial=trial, attempt=attempt, part=part, body=body)
        record = Record(
            kind=kind,
            trial=trial,
            attempt=attempt,
            part=part,
            milliseconds=log_key(key).milliseconds,
            body={name: value for name, value in body.items() if name != "v"},
        )
        self._reader.note(record)
        self._fold([record])
        return key

    def _take(self, pieces: Iterator[list[Record]]) -> None:
        # Whatever ends this early, the reader goes on from there.
        self._pieces = None
        count = 0
        for records in pieces:
            self._fold(records)
            count += len(records)
            if self._crowd is not None and self._caught_up and count >= self._enough:
                self._pieces = pieces
                return
        self._hasten()
        self._caught_up = True

    def _hasten(self) -> None:
        if self._crowd is None or not self._caught_up:
            return
        if self._clock() - self._asked > self._crowd.pause_seconds:
            self._enough *= 2

    def _fold(self, records: list[Record]) -> None:
        self.chronicle.add(records)
        for action in self._taken:
            action()

    def _tend(self) -> None:
        if self._tender is not None and self._reader.crowded and self._caught_up:
            self._tender.tend(newest_segment=self._reader.newest_segment)
