"""The log of one study in an object store (docs/design/0002)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tuner.artifacts import ArtifactStore, Patience, validate_key
from tuner.errors import LogError
from tuner.log.bodies import BUNDLE, MAX_BODY_BYTES, encode_body, encode_bundle
from tuner.log.following import Crowd
from tuner.log.keys import LogKey, RungEntry, log_name
from tuner.log.marker import Heartbeat, Heartbeats, Marker
from tuner.log.reader import LogReader
from tuner.log.records import Kind, Record
from tuner.log.rungs import Rungs, StoredDecision
from tuner.log.tending import Tender

FRESH_SECONDS = 30.0
"""A put that has not succeeded by then gets a new time, so that no record appears below the margin
of the readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record to be written.

    Attributes:
        kind: What it tells.
        trial: The trial's name.
        attempt: Which pod of the trial, from 1; 0 for `proposed`.
        part: Tells records of one kind and attempt apart.
        body: JSON object; numbers finite.
    """

    kind: Kind
    trial: str
    attempt: int
    part: str = "0"
    body: Mapping[str, object]


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
        return self._put(data, lambda at: LogKey(at, kind, trial, attempt, part))

    def append_all(self, entries: Sequence[Entry]) -> str:
        """Writes several records as one object, if that is not too large. Returns the last key.

        Raises as `append` does.
        """
        if not entries:
            raise LogError("no records to append")
        total = sum(len(encode_body(one.body)) for one in entries)
        if len(entries) == 1 or total > MAX_BODY_BYTES // 2:
            return [self._append(one) for one in entries][-1]
        for one in entries:
            log_name(LogKey(0, one.kind, one.trial, one.attempt, one.part))
        part, data = encode_bundle(
            ((str(one.kind), one.trial, one.attempt, one.part), one.body) for one in entries
        )
        last = entries[-1]
        return self._put(data, lambda at: LogKey(at, BUNDLE, last.trial, last.attempt, part))

    def _append(self, one: Entry) -> str:
        return self.append(
            one.kind, trial=one.trial, attempt=one.attempt, part=one.part, body=one.body
        )

    def reader(self, *, crowd: Crowd | None = None) -> LogReader:
        """Reads from the beginning and on, each record once.

        Args:
            crowd: With whom it shares the work of reading; None to read all by itself.
        """
        return LogReader(self._store, self.prefix, patience=self._patience, crowd=crowd)

    def tender(self, crowd: Crowd) -> Tender:
        """Does one worker's share of the work on a busy log."""
        return Tender(self._store, self.prefix, crowd=crowd)

    def read_all(self) -> list[Record]:
        """Every record, each once, in key order; single records are listed from the beginning."""
        return LogReader(self._store, self.prefix, patience=self._patience, complete=True).read()

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

    def _put(self, data: bytes, key_at: Callable[[int], LogKey]) -> str:
        taken, key = float("-inf"), ""

        def put() -> str:
            nonlocal taken, key
            if self._clock() - taken > FRESH_SECONDS:
                taken, milliseconds = self._clock(), round(self._store.now() * 1000)
                key = self._log + log_name(key_at(milliseconds))
            self._store.put(key, data)
            return key

        return self._patience.call(put)
