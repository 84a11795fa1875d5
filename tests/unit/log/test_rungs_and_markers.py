import pytest

from tuner.artifacts import delete_prefix
from tuner.errors import LogError, ObjectCorrupt
from tuner.log import (
    CatalogueEntry,
    RungEntry,
    StoredDecision,
    StudyLog,
    namespaces,
    studies,
    study_prefix,
)
from tuner.log.rungs import MAX_SAW

PREFIX = "studies/ns/s.uid"


def test_a_rung_is_listed_without_a_get(store) -> None:
    log = StudyLog(store, PREFIX)
    key = log.put_rung(1, 9.0, trial="s-0-1", attempt=1, vector=(0.25, -3.0))
    assert key.startswith(f"{PREFIX}/rungs/1/9/s-0-1.1.")
    log.put_rung(1, 9.0, trial="s-0-0", attempt=2, vector=(1e300, 0.1))
    log.put_rung(1, 27.0, trial="s-0-2", attempt=1, vector=(0.0, 0.0))
    log.put_rung(0, 9.0, trial="s-0-3", attempt=1, vector=(0.0, 0.0))
    assert log.list_rung(1, 9.0) == [
        RungEntry("s-0-0", 2, (1e300, 0.1)),
        RungEntry("s-0-1", 1, (0.25, -3.0)),
    ]
    assert (store.lists, store.gets) == (1, 0)


def test_a_rung_holds_a_trial_once(store) -> None:
    log = StudyLog(store, PREFIX)
    for attempt, value in ((10, 3.0), (2, 1.0), (3, 2.0)):
        log.put_rung(0, 3.0, trial="s-0-0", attempt=attempt, vector=(value,))
    assert log.list_rung(0, 3.0) == [RungEntry("s-0-0", 2, (1.0,))]


def test_of_two_simultaneous_arrivals_one_sees_the_other(store) -> None:
    one, other = StudyLog(store, PREFIX), StudyLog(store, PREFIX)
    one.put_rung(0, 3.0, trial="s-0-0", attempt=1, vector=(1.0,))
    other.put_rung(0, 3.0, trial="s-1-0", attempt=1, vector=(2.0,))
    assert len(one.list_rung(0, 3.0)) == len(other.list_rung(0, 3.0)) == 2


def test_strangers_in_a_rung_are_passed_over(store) -> None:
    store.objects[f"{PREFIX}/rungs/0/3/readme"] = b""
    store.objects[f"{PREFIX}/rungs/0/3/s-0-0.1.AAAA"] = b""
    assert StudyLog(store, PREFIX).list_rung(0, 3.0) == []


def test_decisions_are_read_back(store) -> None:
    log = StudyLog(store, PREFIX)
    assert log.get_decision(0, 3.0, trial="s-0-0") is None
    decision = StoredDecision(verb="Stop", rank=7, of=14, reason="7th of 14", saw=("a", "b"))
    log.put_decision(0, 3.0, trial="s-0-0", decision=decision)
    assert log.get_decision(0, 3.0, trial="s-0-0") == decision
    assert log.get_decision(0, 9.0, trial="s-0-0") is None
    assert list(store.objects) == [f"{PREFIX}/decisions/0/3/s-0-0.json"]


def test_a_decision_of_a_huge_rung_fits(store) -> None:
    log = StudyLog(store, PREFIX)
    saw = tuple(f"{'t' * 63}.1.{'v' * 86}-{index}" for index in range(20_000))
    decision = StoredDecision(verb="Stop", rank=1, of=len(saw), reason="", saw=saw)
    log.put_decision(0, 3.0, trial="s-0-0", decision=decision)
    stored = log.get_decision(0, 3.0, trial="s-0-0")
    assert stored is not None
    assert stored.of == 20_000
    assert stored.saw == saw[:MAX_SAW]


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"v": 1}', b'{"v": 1, "decision": 2}'])
def test_a_broken_decision_is_no_decision(store, body: bytes) -> None:
    store.objects[f"{PREFIX}/decisions/0/3/s-0-0.json"] = body
    with pytest.raises(ObjectCorrupt):
        StudyLog(store, PREFIX).get_decision(0, 3.0, trial="s-0-0")


def test_heartbeats(store) -> None:
    log = StudyLog(store, PREFIX)
    assert log.get_heartbeat("s-0-0") is None
    log.put_heartbeat("s-0-0", attempt=1)
    store.time.now += 30
    log.put_heartbeat("s-0-0", attempt=2)
    heartbeat = log.get_heartbeat("s-0-0")
    assert heartbeat is not None
    assert (heartbeat.attempt, heartbeat.time) == (2, store.time.now)
    assert len(store.objects) == 1


def test_marker(store) -> None:
    log = StudyLog(store, PREFIX)
    assert log.get_marker() is None
    log.put_marker({"uid": "uid", "deletionPolicy": "Keep"})
    assert log.get_marker() == {"uid": "uid", "deletionPolicy": "Keep"}


def test_the_catalogue(store) -> None:
    for namespace, study, uid in (("b", "two", "2"), ("a", "one", "1-1"), ("b", "one", "x")):
        StudyLog(store, study_prefix(namespace, study, uid=uid)).put_marker({})
    store.objects["studies/b/not-a-study/x"] = b""
    assert namespaces(store) == ["a", "b"]
    assert list(studies(store, "b")) == [
        CatalogueEntry(namespace="b", study="one", uid="x"),
        CatalogueEntry(namespace="b", study="two", uid="2"),
    ]
    entry = next(studies(store, "a"))
    assert entry.prefix == "studies/a/one.1-1"
    assert delete_prefix(store, entry.prefix + "/") == 1
    assert namespaces(store) == ["b"]


def test_identifiers_are_checked(store) -> None:
    log = StudyLog(store, PREFIX)
    for trial in ("../x", "a.b", "A"):
        with pytest.raises(LogError):
            log.put_rung(0, 3.0, trial=trial, attempt=1, vector=(1.0,))
        with pytest.raises(LogError):
            log.get_decision(0, 3.0, trial=trial)
        with pytest.raises(LogError):
            log.put_heartbeat(trial, attempt=1)
    assert store.objects == {}
