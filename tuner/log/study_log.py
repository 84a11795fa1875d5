"""The log of one study in an object store (docs/design/0002)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tuner.artifacts import ArtifactStore, Patience, validate_key
from tuner.errors import ObjectCorrupt, ObjectMissing, ObjectTooLarge
from tuner.log.bodies import MAX_BODY_BYTES, decode_body, encode_body
from tuner.log.keys import LogKey, RungEntry, log_name
from tuner.log.marker import Heartbeat, Heartbeats, Marker
from tuner.log.reading import Cursor, new_records
from tuner.log.records import Kind, Record
from tuner.log.rungs import Rungs, StoredDecision

FRESH_SECONDS = 30.0
"""A put that has not succeeded by then gets a new time, so that no record appears below the margin
of the readers."""

PARALLEL_READS = 8

_logger = logging.getLogger(__name__)


class StudyLog:
    """Appends to and reads the log of one study.

    Safe to use from several threads, and by any number of processes at once. Writes are
    idempotent: after an error the caller may append the same record again.

    Args:
        store: Where the study's objects are.
        prefix: `studies/<namespace>/<study>.<uid>`; see `study_prefix`.
        patience: How long a call outlasts an unreachable store; by default not at all.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.prefix = validate_key(prefix)
        self._store = store
        self._patience = patience or Patience(seconds=0)
        self._clock = clock
        self._log = f"{prefix}/log/"
        self._rungs = Rungs(store, prefix, patience=self._patience)
        self._heartbeats = Heartbeats(store, prefix)
        self._marker = Marker(store, prefix, patience=self._patience)

    def append(
        self,
        kind: Kind,
        *,
        trial: str,
        attempt: int,
        part: str = "0",
        body: Mapping[str, object],
    ) -> str:
        """Writes a record and returns its key; then it is in the log for ever.

        Raises LogError for a body or an identifier that cannot be, StoreError if the store fails
        for longer than the log's patience.
        """
        data = encode_body(body)
        taken, key = float("-inf"), ""

        def put() -> str:
            nonlocal taken, key
            if self._clock() - taken > FRESH_SECONDS:
                taken, milliseconds = self._clock(), round(self._store.now() * 1000)
                key = self._log + log_name(LogKey(milliseconds, kind, trial, attempt, part))
            self._store.put(key, data)
            return key

        return self._patience.call(put)

    def read(self, cursor: Cursor | None = None) -> tuple[list[Record], Cursor]:
        """Records that have come since `cursor`, in key order, and the cursor after them.

        Every record is handed out once along a chain of cursors, however often it was written.
        """
        return self._patience.call(lambda: self._read(cursor or Cursor()))

    def read_all(self) -> list[Record]:
        """Every record, each once, in key order."""
        return self.read()[0]

    def put_rung(
        self, bracket: int, level: float, *, trial: str, attempt: int, vector: Sequence[float]
    ) -> str:
        """Writes a trial's objective vector at a rung, as reported, and returns its key."""
        entry = RungEntry(trial, attempt, tuple(vector))
        return self._rungs.put(bracket, level, entry=entry)

    def list_rung(self, bracket: int, level: float) -> list[RungEntry]:
        """The rung, one entry a trial (its lowest attempt's), in key order; LISTs only."""
        return self._rungs.entries(bracket, level)

    def put_decision(
        self, bracket: int, level: float, *, trial: str, decision: StoredDecision
    ) -> None:
        """Stores a rung decision, which is read back after a restart, never taken again."""
        self._rungs.put_decision(bracket, level, trial=trial, decision=decision)

    def get_decision(self, bracket: int, level: float, *, trial: str) -> StoredDecision | None:
        """The stored decision, or None. Raises ObjectCorrupt."""
        return self._rungs.get_decision(bracket, level, trial=trial)

    def put_heartbeat(self, trial: str, *, attempt: int) -> None:
        """Says that the trial's agent is alive now. One try: the next one comes soon."""
        self._heartbeats.put(trial, attempt=attempt)

    def get_heartbeat(self, trial: str) -> Heartbeat | None:
        """The trial's last sign of life, or None."""
        return self._heartbeats.get(trial)

    def put_marker(self, body: Mapping[str, object]) -> None:
        """Writes `study.json` (uid, name, deletion policy, spec): the study's first object."""
        self._marker.put(body)

    def get_marker(self) -> Mapping[str, object] | None:
        """What `study.json` says, or None."""
        return self._marker.get()

    def _read(self, cursor: Cursor) -> tuple[list[Record], Cursor]:
        listed_milliseconds = round(self._store.now() * 1000)
        start = self._log + cursor.start_after
        names = (
            info.key.removeprefix(self._log)
            for info in self._store.list(self._log, start_after=start)
        )
        fresh = new_records(names, seen=cursor.seen)
        records = list(filter(None, self._fetch(fresh)))
        keys = [
            LogKey(one.milliseconds, one.kind, one.trial, one.attempt, one.part) for one in records
        ]
        return records, cursor.advanced(keys, listed_milliseconds=listed_milliseconds)

    def _fetch(self, writes: list[list[LogKey]]) -> Iterable[Record | None]:
        if len(writes) < PARALLEL_READS:
            return map(self._first_readable, writes)
        with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="study-log") as pool:
            return list(pool.map(self._first_readable, writes))

    def _first_readable(self, writes: Iterable[LogKey]) -> Record | None:
        for key in writes:
            name = self._log + log_name(key)
            try:
                body = decode_body(self._store.get(name, max_bytes=MAX_BODY_BYTES), key=name)
            except (ObjectMissing, ObjectTooLarge, ObjectCorrupt) as error:
                # One bad object must not keep every reader from the rest of the log.
                _logger.warning("passed over a record of the study log: %s", error)
                continue
            return Record(
                kind=Kind(key.kind),
                trial=key.trial,
                attempt=key.attempt,
                part=key.part,
                milliseconds=key.milliseconds,
                body=body,
            )
        return None
