import json
import logging
import math

import pytest

from tuner.artifacts import Patience
from tuner.errors import LogError, StoreUnreachable
from tuner.log import Entry, Kind, Record, StudyLog
from tuner.log.bodies import MAX_BODY_BYTES

PREFIX = "studies/ns/s.uid"


def log_on(store, *, seconds: float = 0.0) -> StudyLog:
    time = store.time
    patience = Patience(seconds=seconds, clock=time, sleep=time.sleep)
    return StudyLog(store, PREFIX, patience=patience, clock=time)


def test_append_and_read(store) -> None:
    log = log_on(store)
    key = log.append(Kind.STAGE, trial="s-0-1", attempt=2, part="train", body={"x": 1.5})
    assert key == f"{PREFIX}/log/1700000000000.stage.s-0-1.2.train.json"
    assert log.read_all() == [
        Record(
            kind=Kind.STAGE,
            trial="s-0-1",
            attempt=2,
            part="train",
            milliseconds=1_700_000_000_000,
            body={"x": 1.5},
        )
    ]


def test_a_reader_goes_on_from_where_it_was(store) -> None:
    log = log_on(store)
    reader = log.reader()
    seen: list[str] = []
    for number in range(30):
        store.time.now += 10
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={})
        seen += [record.trial for record in reader.read()]
    assert seen == [f"s-0-{number}" for number in range(30)]
    store.gets = store.lists = 0
    assert reader.read() == []
    assert (store.gets, store.lists) == (0, 1)


def test_an_error_in_the_middle_of_reading_loses_nothing(store, monkeypatch) -> None:
    log = log_on(store)
    for number in range(5):
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={})
    reader, get = log.reader(), store.get

    def failing(key: str, *, max_bytes: int) -> bytes:
        if ".s-0-3." in key:
            raise StoreUnreachable(key)
        return get(key, max_bytes=max_bytes)

    monkeypatch.setattr(store, "get", failing)
    with pytest.raises(StoreUnreachable):
        reader.read()
    monkeypatch.undo()
    assert [record.trial for record in reader.read()] == [f"s-0-{number}" for number in range(5)]


def test_a_record_that_its_writer_noted_is_not_handed_out(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    (record,) = log.read_all()
    reader = log.reader()
    reader.note(record)
    assert reader.read() == []


def test_several_records_are_one_object(store) -> None:
    log = log_on(store)
    entries = [
        Entry(kind=Kind.STAGE, trial="s-0-0", attempt=1, part=name, body={"stage": name})
        for name in ("prepare", "train")
    ]
    entries.append(Entry(kind=Kind.RESULT, trial="s-0-0", attempt=1, body={"v": 1, "x": 2}))
    key = log.append_all(entries)
    assert store.puts == 1
    assert key.startswith(f"{PREFIX}/log/1700000000000.bundle.s-0-0.1.")
    assert [(one.kind, one.part, one.body) for one in log.read_all()] == [
        (Kind.RESULT, "0", {"x": 2}),
        (Kind.STAGE, "prepare", {"stage": "prepare"}),
        (Kind.STAGE, "train", {"stage": "train"}),
    ]


def test_bundles_that_overlap_hide_nothing_of_each_other(store) -> None:
    log, reader = log_on(store), log_on(store).reader()
    entries = [
        Entry(kind=Kind.VERDICT, trial=f"s-0-{number}", attempt=1, body={}) for number in range(3)
    ]
    log.append_all(entries[:2])
    assert len(reader.read()) == 2
    log.append_all(entries)
    log.append_all(entries)
    assert [record.trial for record in reader.read()] == ["s-0-2"]
    assert len(log.read_all()) == 3


def test_one_record_needs_no_bundle(store) -> None:
    log = log_on(store)
    key = log.append_all([Entry(kind=Kind.VERDICT, trial="s-0-0", attempt=1, part="3", body={})])
    assert key == f"{PREFIX}/log/1700000000000.verdict.s-0-0.1.3.json"
    with pytest.raises(LogError):
        log.append_all([])


@pytest.mark.parametrize("rows", [[["result", "s-0-0", 1]], ["x"], [["result", "s", 1, "0", []]]])
def test_a_bundle_that_is_none_hides_no_other(store, rows, caplog) -> None:
    store.objects[f"{PREFIX}/log/1600000000000.bundle.s-0-0.1.ab.json"] = json.dumps(
        {"v": 1, "records": rows}
    ).encode()
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-1", attempt=1, body={})
    with caplog.at_level(logging.WARNING):
        assert [record.trial for record in log.read_all()] == ["s-0-1"]
    assert "s-0-0" in caplog.text


def test_the_first_write_of_a_record_counts(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={"write": 1})
    store.time.now += 5
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={"write": 2})
    assert [record.body for record in log.read_all()] == [{"write": 1}]


def test_a_second_write_is_never_handed_out_however_late(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    reader = log.reader()
    assert len(reader.read()) == 1
    for _ in range(5):
        store.time.now += 1000
        log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
        assert reader.read() == []


def test_a_record_that_appears_below_the_cursor_is_seen(store, make_store) -> None:
    log = log_on(store)
    behind = make_store(store.time, skew=-80.0, objects=store.objects)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    reader = log.reader()
    assert len(reader.read()) == 1
    log_on(behind).append(Kind.RESULT, trial="s-0-1", attempt=1, body={})
    assert [record.trial for record in reader.read()] == ["s-0-1"]


def test_a_clock_far_ahead_hides_nobody_elses_records(store, make_store) -> None:
    log = log_on(store)
    ahead = make_store(store.time, skew=7 * 86_400.0, objects=store.objects)
    log_on(ahead).append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    reader = log.reader()
    assert len(reader.read()) == 1
    for number in range(1, 4):
        store.time.now += 300
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={})
        assert [record.trial for record in reader.read()] == [f"s-0-{number}"]


def test_a_lost_answer_makes_one_record(store) -> None:
    store.faults = lambda number: "drop" if number == 1 else "ok"
    log = log_on(store, seconds=60)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    assert len(store.objects) == 1
    assert len(log.read_all()) == 1


def test_an_outage_gives_a_record_a_new_time(store) -> None:
    store.faults = lambda number: "refuse" if number < 12 else "ok"
    log = log_on(store, seconds=600)
    started = store.time.now
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    (record,) = log.read_all()
    assert store.time.now - started > 30
    assert record.milliseconds / 1000 > store.time.now - 31


def test_an_outage_beyond_the_patience_is_the_callers(store) -> None:
    store.faults = lambda number: "refuse"
    log = log_on(store, seconds=60)
    with pytest.raises(StoreUnreachable):
        log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff", b'{"x": 1}', b'{"v": 1, "x": NaN}'])
def test_an_unreadable_record_hides_no_other(store, junk: bytes, caplog) -> None:
    log = log_on(store)
    store.objects[f"{PREFIX}/log/1600000000000.result.s-0-0.1.0.json"] = junk
    store.objects[f"{PREFIX}/log/1600000000001.result.s-0-0.1.0.json"] = b'{"v": 1, "second": true}'
    log.append(Kind.RESULT, trial="s-0-1", attempt=1, body={})
    with caplog.at_level(logging.WARNING):
        records = log.read_all()
    assert [(record.trial, record.body) for record in records] == [
        ("s-0-0", {"second": True}),
        ("s-0-1", {}),
    ]
    assert "1600000000000.result" in caplog.text


def test_names_and_kinds_of_later_versions_are_passed_over(store) -> None:
    log = log_on(store)
    for name in ("1600000000000.weather.s-0-0.1.0.json", "README", "x.result.s.1.0.json"):
        store.objects[f"{PREFIX}/log/{name}"] = b'{"v": 1}'
    assert log.read_all() == []
    assert store.gets == 0


def test_fields_of_later_versions_are_kept(store) -> None:
    store.objects[f"{PREFIX}/log/1600000000000.result.s-0-0.1.0.json"] = b'{"v": 9, "new": [1]}'
    assert log_on(store).read_all()[0].body == {"new": [1]}


@pytest.mark.parametrize(
    "body", [{"x": math.nan}, {"x": [math.inf]}, {"x": object()}, {"x": "y" * MAX_BODY_BYTES}]
)
def test_bodies_are_finite_plain_and_small(store, body) -> None:
    with pytest.raises(LogError):
        log_on(store).append(Kind.RESULT, trial="s-0-0", attempt=1, body=body)
    assert store.objects == {}


def test_many_records_are_read_in_order(store) -> None:
    log = log_on(store)
    for number in range(50):
        store.time.now += 0.001
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={"number": number})
    assert [record.body["number"] for record in log.read_all()] == list(range(50))
