"""What a worker knows of its study's log: all of it, or its share as one of many readers."""

from dataclasses import dataclass

import pytest

from tuner.backends import view as view_module
from tuner.backends.simulated.memory import MemoryStore
from tuner.backends.view import LogView
from tuner.errors import StoreUnreachable
from tuner.log import Crowd, Kind, StudyLog
from tuner.log.compactor import Compactor
from tuner.log.tending import Tender

PREFIX = "studies/ns/s.uid"


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class CountingStore(MemoryStore):
    """Counts what it is asked."""

    asked = 0
    away = False

    def get(self, key, *, max_bytes):
        self.asked += 1
        return super().get(key, max_bytes=max_bytes)

    def list(self, prefix, *, start_after=""):
        self.asked += 1
        if self.away:
            raise StoreUnreachable("away")
        return super().list(prefix, start_after=start_after)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> CountingStore:
    return CountingStore(clock)


def proposals(store, clock, count: int, *, first: int = 0) -> None:
    log = StudyLog(store, PREFIX, clock=clock)
    for number in range(first, first + count):
        clock.now += 0.001
        body = {"worker": 9, "number": number, "parameters": {}, "instance_types": {}}
        log.append(Kind.PROPOSED, trial=f"s-9-{number}", attempt=0, body=body)


def view_of(store, clock, *, readers: int | None = None, ordinal: int = 0) -> LogView:
    crowd = None
    if readers is not None:
        crowd = Crowd(ordinal=ordinal, readers=readers, own=f"s-{ordinal}-")
    return LogView(StudyLog(store, PREFIX, clock=clock), crowd=crowd, clock=clock)


def test_who_reads_alone_knows_all_after_each_refresh(store, clock) -> None:
    view = view_of(store, clock)
    proposals(store, clock, 30)
    assert len(view.refresh().stories) == 30
    proposals(store, clock, 2, first=30)
    assert len(view.refresh().stories) == 32


def test_what_is_written_is_known_at_once_and_once(store, clock) -> None:
    view, taken = view_of(store, clock, readers=1920), []
    view.on_taken(lambda: taken.append(len(view.chronicle.stories)))
    view.refresh()
    body = {"v": 1, "worker": 0, "number": 0, "parameters": {}, "instance_types": {}}
    key = view.append(Kind.PROPOSED, trial="s-0-0", attempt=0, body=body)
    assert key.endswith(".proposed.s-0-0.0.0.json")
    assert [story.name for story in view.chronicle.stories] == ["s-0-0"]
    clock.now += 200
    view.refresh()
    assert taken == [1]


def test_one_of_many_asks_seldom_and_leaves_a_busy_log_to_segments(store, clock) -> None:
    view = view_of(store, clock, readers=1920)
    view.refresh()
    asked = store.asked
    proposals(store, clock, 150)
    for _ in range(5):
        clock.now += 5
        assert view.refresh().stories == ()
    assert store.asked == asked, "the pause between two syncs is not over"
    clock.now += 96
    view.refresh()
    assert store.asked <= asked + 2, "one listing, no record"
    Compactor(store, PREFIX, ordinal=3).cut()
    clock.now += 96
    assert len(view.refresh().stories) == 150


def test_after_a_start_a_refresh_takes_in_a_bounded_part(store, clock, monkeypatch) -> None:
    monkeypatch.setattr(view_module, "ENOUGH", 100)
    monkeypatch.setattr("tuner.log.reader._LINES_AT_ONCE", 100)
    proposals(store, clock, 250)
    Compactor(store, PREFIX, ordinal=3).cut()
    view = view_of(store, clock, readers=1920)
    assert len(view.refresh().stories) == 250, "a start is complete"
    proposals(store, clock, 250, first=250)
    clock.now += 20
    Compactor(store, PREFIX, ordinal=3).cut()
    clock.now += 96
    known = [len(view.refresh().stories) for _ in range(4)]
    assert known == [350, 450, 500, 500]


def test_a_reader_that_falls_behind_takes_in_more_at_a_time(store, clock, monkeypatch) -> None:
    monkeypatch.setattr(view_module, "ENOUGH", 100)
    monkeypatch.setattr("tuner.log.reader._LINES_AT_ONCE", 100)
    proposals(store, clock, 250)
    Compactor(store, PREFIX, ordinal=3).cut()
    view = view_of(store, clock, readers=1920)
    view.refresh()
    for expected in ([350, 450, 550, 650, 650], [850, 1050, 1050]):
        proposals(store, clock, 400, first=len(view.chronicle.stories))
        clock.now += 20
        Compactor(store, PREFIX, ordinal=3).cut()
        clock.now += 96
        known = []
        for _ in expected:
            known.append(len(view.refresh().stories))
            clock.now += 30
        assert known == expected


def test_a_store_that_is_away_is_the_callers(store, clock) -> None:
    view = view_of(store, clock, readers=4)
    proposals(store, clock, 3)
    store.away = True
    with pytest.raises(StoreUnreachable):
        view.refresh()
    store.away = False
    clock.now += 1
    assert len(view.refresh().stories) == 3


def test_a_lonely_worker_of_a_busy_log_compacts_it(store, clock) -> None:
    proposals(store, clock, 1100)
    work = []
    crowd = Crowd(ordinal=0, readers=1, own="s-0-")
    view = view_of(store, clock, readers=1)
    view._tender = Tender(store, PREFIX, crowd=crowd, start=work.append)
    view.refresh()
    view.refresh()
    assert len(work) == 1, "one at a time"
    work.pop()()
    clock.now += 20
    view.refresh()
    assert len(view.refresh().stories) == 1100
    assert work, "and again"


def test_a_store_that_fails_a_tender_is_left_to_the_next(store, clock) -> None:
    proposals(store, clock, 5)
    crowd = Crowd(ordinal=0, readers=1, own="s-0-")
    tender = Tender(store, PREFIX, crowd=crowd, start=lambda work: work())
    store.away = True
    assert tender.tend(newest_segment=0)
    store.away = False
    assert not tender.tend(newest_segment=0), "it has had its turn"
    clock.now += 15
    assert tender.tend(newest_segment=0)
    assert any("/segments/" in info.key for info in store.list(PREFIX))
