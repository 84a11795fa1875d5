from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts.clock import StoreClock


class Local:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def date(time: float) -> str:
    return formatdate(int(time), usegmt=True)


def test_before_the_first_answer_it_is_this_machines() -> None:
    clock = StoreClock(Local(1000.0))
    assert clock.now() == 1000.0
    assert clock.age_seconds == float("inf")


def test_this_machines_clock_is_believed_until_contradicted() -> None:
    local = Local(1000.3)
    clock = StoreClock(local)
    clock.observe(date(1000.3), sent=1000.3, received=1000.4)
    assert clock.now() == 1000.3


@given(
    offset=st.floats(-1000, 1000),
    steps=st.lists(st.tuples(st.floats(0.1, 30), st.floats(0, 2), st.floats(0, 1)), min_size=1),
)
def test_the_estimate_is_within_the_answers_precision(
    offset: float, steps: list[tuple[float, float, float]]
) -> None:
    local = Local(1_000_000.0)
    clock = StoreClock(local)
    slowest = 0.0
    for pause, latency, share in steps:
        local.now += pause
        sent = local.now
        stamp = sent + latency * share + offset
        local.now += latency
        slowest = max(slowest, latency)
        clock.observe(date(stamp), sent=sent, received=local.now)
    assert abs(clock.now() - (local.now + offset)) <= 1.1 + slowest


def test_many_answers_narrow_the_estimate() -> None:
    local = Local(1_000_000.0)
    clock = StoreClock(local)
    for _ in range(100):
        local.now += 0.37
        clock.observe(date(local.now + 42.25), sent=local.now, received=local.now)
    assert abs(clock.now() - local.now - 42.25) < 0.1


def test_a_clock_that_was_set_is_followed() -> None:
    local = Local(1_000_000.0)
    clock = StoreClock(local)
    clock.observe(date(local.now), sent=local.now, received=local.now)
    local.now += 500.0
    clock.observe(date(local.now - 500.0), sent=local.now, received=local.now)
    assert abs(clock.now() - (local.now - 500.0)) <= 1.0


def test_unreadable_dates_are_passed_over() -> None:
    clock = StoreClock(Local(5.0))
    for text in (None, "", "yesterday", "Mon, 99 Foo"):
        clock.observe(text, sent=5.0, received=5.0)
    assert clock.now() == 5.0
