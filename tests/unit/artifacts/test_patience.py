import random

import pytest

from tuner.artifacts import Patience
from tuner.errors import StoreDenied, StoreUnreachable


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def patience(time: Time, seconds: float) -> Patience:
    return Patience(seconds=seconds, clock=lambda: time.now, sleep=time.sleep, rng=random.Random(0))


def test_it_returns_what_the_action_returns() -> None:
    time = Time()
    answers = [StoreUnreachable("1"), StoreUnreachable("2"), None]

    def action() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "done"

    assert patience(time, 60.0).call(action) == "done"
    assert len(time.pauses) == 2


def test_it_ends() -> None:
    time = Time()

    def action() -> None:
        raise StoreUnreachable("away")

    with pytest.raises(StoreUnreachable):
        patience(time, 100.0).call(action)
    assert time.now == pytest.approx(100.0)
    assert len(time.pauses) < 40


def test_none_at_all() -> None:
    time = Time()

    def action() -> None:
        raise StoreUnreachable("away")

    with pytest.raises(StoreUnreachable):
        patience(time, 0.0).call(action)
    assert time.pauses == []


def test_only_what_passes_is_tried_again() -> None:
    time = Time()

    def action() -> None:
        raise StoreDenied("no")

    with pytest.raises(StoreDenied):
        patience(time, 100.0).call(action)
    assert time.pauses == []
