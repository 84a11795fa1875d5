import sys

from hypothesis import given
from hypothesis import strategies as st

from tuner.log.following import CUT_SECONDS, Crowd
from tuner.log.seen import Seen, fingerprint
from tuner.log.turns import DOUBLING_SECONDS, drawn, is_due


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


@given(st.integers(1, 5000), st.integers(10**8, 10**9), st.text(max_size=9))
def test_somebody_is_due_at_once_and_others_if_nothing_comes(workers, interval, study) -> None:
    begin = interval * CUT_SECONDS

    def due(now: float, worker: int, newest: float) -> bool:
        return is_due(ordinal=worker, workers=workers, study=study, now=now, newest=newest)

    first, second = (drawn(study, interval, place, workers) for place in (0, 1))
    assert due(begin, first, begin - 1)
    assert due(begin + 14, first, begin - 1)
    assert due(begin, second, begin - DOUBLING_SECONDS)
    assert not due(begin + 1, first, begin)


def test_one_acts_at_a_time_and_more_if_nothing_comes() -> None:
    def acting(stale: float, *, pause: float = 0.0) -> int:
        newest = 1.5e9 - stale
        return sum(
            is_due(ordinal=one, workers=500, study="s", now=1.5e9, newest=newest, pause=pause)
            for one in range(500)
        )

    assert [acting(stale) for stale in (0, 1, 59)] == [0, 1, 1]
    assert acting(60) == 2
    assert acting(120) == 4
    assert acting(120, pause=96.0) == 1, "whoever asks seldom knows of no newer one"
    assert 4 < acting(86_400) <= 8, "a store that is slow is not helped by many"


def test_what_is_left_to_segments_depends_on_how_many_read() -> None:
    few, many, most = (Crowd(ordinal=0, readers=n, own="s-0-") for n in (4, 40, 1920))
    assert (few.most_names, many.most_names, most.most_names) == (1000, 300, 100)
    assert (few.pause_seconds, most.pause_seconds) == (0.2, 96.0)
