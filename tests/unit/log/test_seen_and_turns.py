import sys

from hypothesis import given
from hypothesis import strategies as st

from tuner.log.following import CUT_SECONDS, Crowd
from tuner.log.seen import Seen, fingerprint
from tuner.log.turns import STAND_IN_SECONDS, drawn, is_due


@given(st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 40).map(lambda n: n << 10)))
def test_it_is_a_set(marks: list[int]) -> None:
    seen, known = Seen(), set()
    for mark in marks:
        assert (mark in seen) == (mark in known)
        assert seen.add(mark) == (mark not in known)
        known.add(mark)
        assert mark in seen
    assert len(seen) == len(known)


@given(st.lists(st.integers(1, 300), max_size=200), st.integers(1, 20))
def test_the_last_ones_are_remembered_and_no_more_than_twice_as_many(marks, most) -> None:
    seen, last = Seen(most=most), []
    for mark in marks:
        if seen.add(mark):
            last.append(mark)
        assert all(one in seen for one in last[-most:])
        assert len(seen) <= 2 * most


def test_a_hundred_thousand_records_are_few_bytes() -> None:
    seen = Seen()
    for number in range(100_000):
        seen.add(fingerprint("result", f"s-{number}-0", 1, "0"))
    tables = (seen._new, seen._old)
    assert sum(sys.getsizeof(one._slots) for one in tables) <= 28 * 100_000


@given(st.integers(1, 5000), st.floats(1e9, 2e9), st.text(max_size=9))
def test_somebody_is_due_at_once_and_in_the_end_everybody(workers: int, now: float, study) -> None:
    interval = now // CUT_SECONDS
    begin = interval * CUT_SECONDS

    def due(now: float, worker: int, newest: float) -> bool:
        return is_due(ordinal=worker, workers=workers, study=study, now=now, newest=newest)

    first, second = (drawn(study, int(interval), place, workers) for place in (0, 1))
    assert due(begin, first, begin - 1)
    assert due(begin + STAND_IN_SECONDS, second, begin - 1)
    assert not due(begin, first, begin)


def test_few_act_at_once() -> None:
    acting = [
        sum(
            is_due(ordinal=worker, workers=500, study="s", now=now, newest=now - 16)
            for worker in range(500)
        )
        for now in (1_700_000_000.0, 1_700_000_005.0, 1_700_000_010.0)
    ]
    assert max(acting) <= 5


def test_what_is_left_to_segments_depends_on_how_many_read() -> None:
    few, many, most = (Crowd(ordinal=0, readers=n, own="s-0-") for n in (4, 40, 1920))
    assert (few.most_names, many.most_names, most.most_names) == (1000, 300, 100)
    assert (few.pause_seconds, most.pause_seconds) == (0.125, 60.0)
