"""What is deleted because a segment holds it, and what is not."""

from dataclasses import replace

from tuner.artifacts import Patience
from tuner.log import Kind, StudyLog, cleaning, study_prefix
from tuner.log.cleaning import Cleaner
from tuner.log.compactor import Compactor
from tuner.log.shelf import Shelf

PREFIX = study_prefix("ns", "digits", uid="0b5e")


def test_a_bad_block_keeps_what_it_stood_for_and_nothing_else(store, fake_time, monkeypatch):
    # The store shows every object as new: what is merged counts as old at once.
    monkeypatch.setattr(cleaning, "GRACE_SECONDS", -60.0)
    log, made = StudyLog(store, PREFIX), Compactor(store, PREFIX, ordinal=0)
    shelf = Shelf(store, PREFIX, patience=Patience(seconds=0))
    written = [f"digits-0-{number}" for number in range(3)]
    cuts = []
    for trial in written:
        log.append(Kind.RESULT, trial=trial, attempt=1, body={})
        fake_time.now += 1
        cuts.append(made.cut(force=True).name)
    merged = made.merge(cuts)
    bad, *good = shelf.get(merged)
    shelf.put(merged, blocks=[replace(bad, data=bad.data[:-9] + bytes(9)), *good])

    Cleaner(store, PREFIX, compactor=made).clean()

    assert {one.name for one in shelf.listing()} == {bad.name, merged}
    (left,) = (key for key in store.objects if "/log/" in key)
    assert written[0] in left
    assert {record.trial for record in log.read_all()} == set(written)
