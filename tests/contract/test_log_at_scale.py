"""Segments of the study log over every store."""

import threading

import pytest

from tuner.artifacts import ArtifactStore
from tuner.log import Crowd, Entry, Kind, StudyLog, cleaning, study_prefix
from tuner.log.cleaning import Cleaner
from tuner.log.compactor import Compactor

PREFIX = study_prefix("ns", "digits", uid="0b5e")
RECORDS = 130


def fill(log: StudyLog, first: int, count: int = RECORDS) -> set[str]:
    names = {f"digits-{number % 7}-{number}" for number in range(first, first + count)}
    for name in names:
        log.append(Kind.RESULT, trial=name, attempt=1, body={"outcome": "Completed", "x": "é\n"})
    return names


def keys(store: ArtifactStore, folder: str) -> list[str]:
    return [info.key for info in store.list(f"{PREFIX}/{folder}/")]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is old at once."""
    monkeypatch.setattr(cleaning, "GRACE_SECONDS", -5.0)
    monkeypatch.setattr(cleaning, "FEWEST_MERGED", 2)
    monkeypatch.setattr(cleaning, "_ripe_before", lambda now: round(now * 1000) + 5000)


def test_a_busy_log_is_read_from_segments(store: ArtifactStore, hurried: None) -> None:
    log = StudyLog(store, PREFIX)
    made = Compactor(store, PREFIX, ordinal=3)
    cleaner = Cleaner(store, PREFIX, compactor=made)
    crowd = Crowd(ordinal=2, readers=1920, own="digits-2-")
    old, sharing = log.reader(), log.reader(crowd=crowd)
    written = fill(log, 0)
    found = {record.trial for record in old.read()}
    mine = {record.trial for record in sharing.read()}
    assert found == written
    assert mine == {name for name in written if name.startswith("digits-2-")}
    assert sharing.crowded
    assert made.cut() is not None
    assert made.cut() is None, "one has just been written"
    mine |= {record.trial for record in sharing.read()}
    assert mine == written
    assert old.read() == []

    cleaner.clean()
    assert keys(store, "log") == []
    entries = [Entry(kind=Kind.RESULT, trial=f"late-0-{n}", attempt=1, body={}) for n in range(3)]
    log.append_all(entries)
    assert made.cut(force=True) is not None
    cleaner.clean()
    cleaner.clean()
    # Both segments are in a third; nothing is anywhere else.
    (merged,) = keys(store, "segments")
    assert ".m3-" in merged
    assert keys(store, "log") == []
    written |= {entry.trial for entry in entries}
    assert {record.trial for record in log.read_all()} == written
    new = log.reader(crowd=Crowd(ordinal=5, readers=1920, own="digits-5-"))
    records = new.read()
    assert {record.trial for record in records} == written
    assert len(records) == len(written)
    assert {record.body["x"] for record in records if "x" in record.body} == {"é\n"}


def test_whoever_compacts_at_once_disturbs_nobody(store: ArtifactStore) -> None:
    log = StudyLog(store, PREFIX)
    written = fill(log, 0, count=40)
    done = threading.Event()
    handed: list[str] = []

    def compact(ordinal: int) -> None:
        made = Compactor(store, PREFIX, ordinal=ordinal)
        for _ in range(3):
            made.cut(force=True)

    def follow() -> None:
        reader, last = log.reader(), False
        while not last:
            last = done.is_set()
            handed.extend(record.trial for record in reader.read())

    follower = threading.Thread(target=follow)
    follower.start()
    threads = [threading.Thread(target=compact, args=(ordinal,)) for ordinal in range(3)]
    for thread in threads:
        thread.start()
    written |= fill(log, 40, count=40)
    for thread in threads:
        thread.join()
    done.set()
    follower.join()
    assert len(handed) == len(set(handed))
    assert set(handed) == written == {record.trial for record in log.read_all()}
