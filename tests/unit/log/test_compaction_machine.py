"""Writers, compactors, cleaners and readers in any order, each crashing at any request."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tuner.artifacts import ArtifactStore, ObjectInfo, Patience
from tuner.backends.simulated.memory import MemoryStore
from tuner.errors import StoreError, StoreUnreachable
from tuner.log import Crowd, Kind, LogReader, StudyLog, cleaning, compactor, reader
from tuner.log.bodies import encode_body, encode_bundle
from tuner.log.cleaning import Cleaner
from tuner.log.compactor import Compactor, Cut
from tuner.log.keys import LogKey, log_name

PREFIX = "studies/ns/s.uid"
START = 1_700_000_000.0
EXAMPLES = int(os.environ.get("TUNER_TEST_EXAMPLES", "30"))

# Of writer, compactor and reader; with a slow put in sum below the 90 s that the log allows for.
WRITER_SKEW, OTHER_SKEW, SLOW = 30.0, 15.0, 25.0


class Crash(StoreError):
    """The process ended here."""


@dataclass
class Through(ArtifactStore):
    """One process's way to the store: its clock is off, and something happens at one request."""

    store: MemoryStore
    skew: float = 0.0
    at: int = -1
    happens: Callable[[], None] = lambda: None
    before: bool = True
    requests: int = 0

    def _around(self, action):
        self.requests += 1
        if self.requests - 1 != self.at:
            return action()
        if self.before:
            self.happens()
            return action()
        result = action()
        self.happens()
        return result

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        self._around(lambda: self.store.put(key, data))

    def get(self, key: str, *, max_bytes: int) -> bytes:
        return self._around(lambda: self.store.get(key, max_bytes=max_bytes))

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        raise NotImplementedError

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        return iter(self._around(lambda: [*self.store.list(prefix, start_after=start_after)]))

    def folders(self, prefix: str) -> Iterator[str]:
        raise NotImplementedError

    def stat(self, key: str) -> ObjectInfo | None:
        raise NotImplementedError

    def delete(self, keys: Iterable[str]) -> None:
        # A crash may leave a deletion half done.
        for key in [*keys]:
            self._around(lambda key=key: self.store.delete([key]))

    def now(self) -> float:
        return self.store.now() + self.skew


class Small(Crowd):
    """A crowd that leaves almost everything to segments."""

    most_names = 3


@dataclass
class Follower:
    """A reader and what it was handed."""

    log: LogReader
    through: Through
    read: list[tuple[str, str, int, str]]

    def poll(self) -> None:
        self.read += [one.logical_id for one in self.log.read()]


class Logs(RuleBasedStateMachine):
    @initialize(skews=st.lists(st.floats(-OTHER_SKEW, OTHER_SKEW), min_size=4, max_size=4))
    def begin(self, skews: list[float]) -> None:
        self.now = START
        self.store = MemoryStore(lambda: self.now)
        self.written: set[tuple[str, str, int, str]] = set()
        self.coming: list[tuple[float, str, bytes]] = []
        self.skews = skews
        self.followers = [self._follower(i, crowd=i % 2 == 1) for i in range(4)]

    def _follower(self, number: int, *, crowd: bool) -> Follower:
        through = Through(self.store, skew=self.skews[number % 4])
        share = Small(ordinal=number, readers=4, own=f"s-{number}-") if crowd else None
        patience = Patience(seconds=0)
        return Follower(LogReader(through, PREFIX, patience=patience, crowd=share), through, [])

    def _put(self, name: str, data: bytes, slow: float, ids) -> None:
        self.coming.append((self.now + slow, f"{PREFIX}/log/{name}", data))
        self.written.update(ids)
        self._arrive()

    def _arrive(self) -> None:
        due = [one for one in self.coming if one[0] <= self.now]
        self.coming = [one for one in self.coming if one[0] > self.now]
        for _, key, data in due:
            self.store.put(key, data)

    def _advance(self, seconds: float) -> None:
        end = self.now + seconds
        for at, *_ in sorted(self.coming):
            if at <= end:
                self.now = max(self.now, at)
                self._arrive()
        self.now = end

    @rule(
        trial=st.integers(0, 9),
        part=st.integers(0, 3),
        skew=st.floats(-WRITER_SKEW, WRITER_SKEW),
        slow=st.floats(0, SLOW),
    )
    def write(self, trial: int, part: int, skew: float, slow: float) -> None:
        """Also again what was written before, at another time."""
        identity = (Kind.REPORTS, f"s-{trial}-0", 1, str(part))
        key = LogKey(round((self.now + skew) * 1000), *identity)
        self._put(log_name(key), encode_body({"x": 1}), slow, [identity])

    @rule(
        trials=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
        skew=st.floats(-WRITER_SKEW, WRITER_SKEW),
        slow=st.floats(0, SLOW),
    )
    def write_bundle(self, trials: list[int], skew: float, slow: float) -> None:
        ids = [(Kind.VERDICT, f"s-{trial}-0", 1, "0") for trial in trials]
        part, data = encode_bundle([(one, {"x": 1}) for one in ids])
        key = LogKey(round((self.now + skew) * 1000), "bundle", ids[-1][1], 1, part)
        self._put(log_name(key), data, slow, ids)

    @rule(count=st.integers(4, 12), skew=st.floats(-WRITER_SKEW, WRITER_SKEW))
    def write_many(self, count: int, skew: float) -> None:
        for number in range(count):
            name = f"s-{len(self.written)}-{number}"
            identity = (Kind.RESULT, name, 1, "0")
            key = LogKey(round((self.now + skew) * 1000) + number, *identity)
            self._put(log_name(key), encode_body({}), 0.0, [identity])

    @rule(seconds=st.sampled_from([1.0, 15.0, 16.0, 60.0, 140.0, 310.0, 320.0, 1000.0]))
    def advance(self, seconds: float) -> None:
        self._advance(seconds)

    @rule(
        who=st.integers(0, 3),
        clean=st.booleans(),
        force=st.booleans(),
        at=st.integers(-1, 25),
        before=st.booleans(),
        happens=st.sampled_from(["crash", "crash", "cut", "clean", "read", "wait"]),
    )
    def compact(self, who, clean, force, at, before, happens) -> None:
        """While it works it dies, or somebody else works, or time goes by, at one request."""
        through = Through(
            self.store,
            skew=self.skews[who],
            at=at,
            before=before,
            happens=lambda: self._interrupt(happens),
        )
        made = Compactor(through, PREFIX, ordinal=who)
        try:
            if not clean:
                made.cut(force=force)
            else:
                Cleaner(through, PREFIX, compactor=made).clean()
        except Crash:
            return

    def _interrupt(self, what: str) -> None:
        other = Compactor(Through(self.store, skew=self.skews[1]), PREFIX, ordinal=9)
        if what == "crash":
            raise Crash
        if what == "cut":
            other.cut(force=True)
        elif what == "clean":
            Cleaner(Through(self.store), PREFIX, compactor=other).clean()
        elif what == "read":
            for follower in self.followers:
                follower.poll()
        else:
            self._advance(7.0)

    @rule(
        who=st.integers(0, 3),
        at=st.integers(-1, 12),
        happens=st.sampled_from(["crash", "cut", "clean", "wait"]),
    )
    def read(self, who: int, at: int, happens: str) -> None:
        follower = self.followers[who]
        follower.through.requests, follower.through.at = 0, at
        follower.through.happens = lambda: self._interrupt(happens)
        try:
            follower.poll()
        except (Crash, StoreUnreachable):
            pass
        finally:
            follower.through.at = -1

    @rule(who=st.integers(0, 3), pieces=st.integers(1, 3))
    def read_in_part(self, who: int, pieces: int) -> None:
        follower = self.followers[who]
        for _, records in zip(range(pieces), follower.log.batches(), strict=False):
            follower.read += [one.logical_id for one in records]

    @rule(count=st.integers(1, 5), segments=st.integers(1, 3), merged=st.booleans())
    def grow_old(self, count: int, segments: int, merged: bool) -> None:
        """Segments are written, and what they hold is deleted elsewhere, while nobody reads."""
        made = Compactor(self.store, PREFIX, ordinal=0)
        for _ in range(segments):
            self.write_many(count, 0.0)
            self._advance(15.0)
            made.cut(force=True)
        for seconds in (310.0, 500.0, 310.0) if merged else (310.0,):
            self._advance(seconds)
            Cleaner(self.store, PREFIX, compactor=made).clean()

    @rule(who=st.integers(0, 3))
    def restart(self, who: int) -> None:
        self.followers[who] = self._follower(who, crowd=who % 2 == 1)

    @invariant()
    def nothing_is_handed_out_twice(self) -> None:
        for follower in getattr(self, "followers", ()):
            assert len(follower.read) == len(set(follower.read))

    @invariant()
    def the_log_is_whole_at_every_moment(self) -> None:
        if not hasattr(self, "store"):
            return
        late = {key for _, key, _ in self.coming}
        found = [one.logical_id for one in StudyLog(self.store, PREFIX).read_all()]
        assert len(found) == len(set(found))
        if not late:
            assert set(found) == self.written

    def _cut(self) -> Cut | None:
        return Compactor(self.store, PREFIX, ordinal=0).cut(force=True)

    def teardown(self) -> None:
        """In the end every reader has everything: by itself, or once a segment was written."""
        if not hasattr(self, "store"):
            return
        self._advance(130.0)
        for round_ in range(4):
            while round_ % 2 and (cut := self._cut()) is not None and cut.left:
                pass
            for follower in self.followers:
                follower.poll()
            self._advance(20.0)
        for follower in self.followers:
            assert set(follower.read) == self.written
        self.nothing_is_handed_out_twice()


@pytest.fixture(autouse=True)
def small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "FEWEST_MERGED", 2)
    monkeypatch.setattr(cleaning, "_TURNS", 40.0)
    monkeypatch.setattr(compactor, "MOST_SINGLES", 6)
    monkeypatch.setattr(compactor, "_FETCHED_AT_ONCE", 3)
    monkeypatch.setattr(reader, "_AT_ONCE", 4)
    monkeypatch.setattr(reader, "ALONE_NAMES", 8)


def test_nothing_lost_and_nothing_twice() -> None:
    run_state_machine_as_test(
        Logs, settings=settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)
    )
