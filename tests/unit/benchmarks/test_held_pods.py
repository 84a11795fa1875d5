"""The simulation of pods made ahead."""

import pytest

from benchmarks.held_pods import HAND_OVER, NOTICE, START, Places


def busy(**changes) -> tuple[float, float]:
    return Places(**{"places": 8, "held": 4, "seconds": 10.0, "spread": 0.0, **changes}).run()


def test_without_pods_ahead_every_turn_waits_for_the_kubelet_and_a_start():
    share, waiting = busy(held=0)
    assert share == pytest.approx(10 / (10 + NOTICE + START), abs=0.01)
    assert waiting == 0


def test_a_ready_pod_for_every_place_leaves_the_hand_over():
    assert busy(held=8)[0] == pytest.approx(10 / (10 + HAND_OVER), abs=0.01)


def test_more_pods_wait_the_more_are_made():
    shares, waiting = zip(*(busy(held=held, spread=0.3) for held in range(5)), strict=True)
    assert list(shares) == sorted(shares)
    assert list(waiting) == sorted(waiting)
