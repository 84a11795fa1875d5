import logging
import math

import pytest

from tuner.artifacts import Patience
from tuner.errors import LogError, StoreUnreachable
from tuner.log import Kind, Record, StudyLog, accepted_results
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


def test_reading_goes_on_from_the_cursor(store) -> None:
    log = log_on(store)
    seen: list[str] = []
    cursor = None
    for number in range(30):
        store.time.now += 10
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={})
        records, cursor = log.read(cursor)
        seen += [record.trial for record in records]
    assert seen == [f"s-0-{number}" for number in range(30)]
    store.gets = 0
    assert log.read(cursor)[0] == []
    assert store.gets == 0


def test_an_old_cursor_gives_the_same_again(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    _, cursor = log.read()
    log.append(Kind.RESULT, trial="s-0-1", attempt=1, body={})
    first, again = log.read(cursor)[0], log.read(cursor)[0]
    assert [record.trial for record in first] == ["s-0-1"]
    assert first == again


def test_the_first_write_of_a_record_counts(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={"write": 1})
    store.time.now += 5
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={"write": 2})
    assert [record.body for record in log.read_all()] == [{"write": 1}]


def test_a_second_write_is_never_handed_out_however_late(store) -> None:
    log = log_on(store)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    _, cursor = log.read()
    for _ in range(5):
        store.time.now += 1000
        log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
        records, cursor = log.read(cursor)
        assert records == []


def test_a_record_that_appears_below_the_cursor_is_seen(store, make_store) -> None:
    log = log_on(store)
    behind = make_store(store.time, skew=-80.0, objects=store.objects)
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    _, cursor = log.read()
    log_on(behind).append(Kind.RESULT, trial="s-0-1", attempt=1, body={})
    records, _ = log.read(cursor)
    assert [record.trial for record in records] == ["s-0-1"]


def test_a_clock_far_ahead_hides_nobody_elses_records(store, make_store) -> None:
    log = log_on(store)
    ahead = make_store(store.time, skew=7 * 86_400.0, objects=store.objects)
    log_on(ahead).append(Kind.RESULT, trial="s-0-0", attempt=1, body={})
    records, cursor = log.read()
    assert len(records) == 1
    for number in range(1, 4):
        store.time.now += 300
        log.append(Kind.RESULT, trial=f"s-0-{number}", attempt=1, body={})
        records, cursor = log.read(cursor)
        assert [record.trial for record in records] == [f"s-0-{number}"]


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


def test_the_accepted_result_is_of_the_lowest_attempt_that_ended_the_trial(store) -> None:
    log = log_on(store)
    writes = [(3, "Completed"), (1, "NextSegment"), (2, "Completed"), (4, "Failed")]
    for attempt, outcome in writes:
        store.time.now += 1
        body = {"outcome": outcome, "attempt": attempt}
        log.append(Kind.RESULT, trial="s-0-0", attempt=attempt, body=body)
    log.append(Kind.RESULT, trial="s-0-1", attempt=1, body={"outcome": "NextSegment"})
    log.append(Kind.STAGE, trial="s-0-2", attempt=1, body={"outcome": "Completed"})
    accepted = accepted_results(log.read_all())
    assert {trial: record.attempt for trial, record in accepted.items()} == {"s-0-0": 2}
