"""Which earlier studies are meant, and how that is written down."""

import pytest

from tuner.errors import ObjectCorrupt
from tuner.pipeline import StudyIdentity
from tuner.spec.study import Transfer
from tuner.transfer.record import Source, TransferRecord, get_record, put_record
from tuner.transfer.selecting import MOST_SOURCES, select


def transfer(**fields):
    return Transfer.model_validate(fields)


def names(record):
    return [one.name for one in record.sources]


def test_studies_are_found_by_name_with_how_far_their_logs_had_come(bucket, identity):
    bucket.trial(bucket.study("a"), 0, loss=0.5)
    before = bucket.now
    bucket.trial(bucket.study("b"), 0, loss=0.5)
    record = select(bucket.store, transfer(studies=["a", "b"]), study=identity)
    assert names(record) == ["a.u1", "b.u1"]
    assert [one.until <= before * 1000 for one in record.sources] == [True, False]
    assert (record.missing, record.left_out) == ((), {})


def test_names_that_no_study_has_are_told(bucket, identity):
    bucket.trial(bucket.study("a"), 0, loss=0.5)
    record = select(bucket.store, transfer(studies=["c", "a", "b"]), study=identity)
    assert names(record) == ["a.u1"]
    assert record.missing == ("b", "c")


def test_studies_are_selected_by_label(bucket, identity):
    for name, team in (("a", "ranking"), ("b", "search"), ("c", "ranking")):
        bucket.trial(bucket.study(name, labels={"team": team}), 0, loss=0.5)
    wanted = transfer(studies=["b"], selector={"matchLabels": {"team": "ranking"}})
    record = select(bucket.store, wanted, study=identity)
    assert names(record) == ["b.u1", "a.u1", "c.u1"]


def test_other_namespaces_are_out_of_sight(bucket):
    bucket.trial(bucket.study("a"), 0, loss=0.5)
    elsewhere = StudyIdentity(name="new", namespace="web", uid="u9")
    assert select(bucket.store, transfer(studies=["a"]), study=elsewhere).missing == ("a",)


def test_earlier_studies_of_the_same_name_count_and_the_study_itself_does_not(bucket, identity):
    for uid in ("u1", "u9"):
        bucket.trial(bucket.study("new", uid=uid), 0, loss=0.5)
    assert names(select(bucket.store, transfer(studies=["new"]), study=identity)) == ["new.u1"]
    alone = StudyIdentity(name="new", namespace="ml", uid="u1")
    others = select(bucket.store, transfer(studies=["new"]), study=alone)
    assert names(others) == ["new.u9"]


def test_studies_without_trials_and_beyond_the_bound_are_left_out(bucket, identity):
    bucket.study("empty")
    for number in range(MOST_SOURCES + 1):
        bucket.trial(bucket.study(f"s{number:02}"), 0, loss=0.5)
    record = select(bucket.store, transfer(selector={}), study=identity)
    assert len(record.sources) == MOST_SOURCES
    assert record.left_out["empty.u1"] == "it has no trials"
    assert "beyond the 64 studies" in record.left_out["s64.u1"]


RECORD = TransferRecord(
    sources=(Source(study="a", uid="u1", until=17),),
    missing=("b",),
    left_out={"c.u2": "it has no trials"},
    prior="f" * 64,
)


def test_what_was_chosen_is_written_down(bucket, identity):
    prefix = identity.study_prefix
    assert get_record(bucket.store, prefix) is None
    put_record(bucket.store, prefix, record=RECORD)
    assert get_record(bucket.store, prefix) == RECORD


@pytest.mark.parametrize("text", [b"", b"{}", b'{"v":1,"sources":[{"study":1}]}', b"[]"])
def test_a_damaged_record_is_an_error(bucket, identity, text):
    bucket.store.put(f"{identity.study_prefix}/transfer.json", text)
    with pytest.raises(ObjectCorrupt):
        get_record(bucket.store, identity.study_prefix)
