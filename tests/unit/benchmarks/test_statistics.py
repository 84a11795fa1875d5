import math

import numpy as np
import pytest

from benchmarks._statistics import difference, mean, median, ratio, win_tie_loss


def test_intervals_hold_the_figure_and_shrink_with_more_samples():
    rng = np.random.default_rng(0)
    few, many = mean(rng.normal(5, 1, 10)), mean(rng.normal(5, 1, 1000))
    for one in (few, many):
        assert one.low < one.value < one.high
    assert many.high - many.low < (few.high - few.low) / 5
    # The standard error of a mean, to which the percentile interval converges.
    assert many.high - many.low == pytest.approx(2 * 1.96 / math.sqrt(1000), rel=0.1)


def test_pairs_are_resampled_together():
    theirs = np.random.default_rng(1).lognormal(0, 2, 40)
    exact = ratio(0.5 * theirs, theirs)
    assert exact.interval == pytest.approx((0.5, 0.5))
    assert ratio(0.5 * theirs, theirs, of="each").interval == pytest.approx((0.5, 0.5))
    assert ratio([2.0, 4.0, 9.0], [1.0, 1.0, 1.0], of="median").value == 4.0
    assert difference(theirs + 2, theirs).interval == pytest.approx((2.0, 2.0))


def test_medians_of_runs_that_never_got_there():
    one = median([1.0, 2.0, 3.0, math.inf, math.inf])
    assert one.value == 3.0
    assert one.high == math.inf


@pytest.mark.parametrize(("minimize", "expected"), [(True, (2, 2, 1)), (False, (1, 2, 2))])
def test_win_tie_loss(minimize, expected):
    ours = [1.0, 2.0, math.inf, 5.0, 10.0]
    theirs = [2.0, math.inf, math.inf, 4.0, 10.05]
    counted = win_tie_loss(ours, theirs, minimize=minimize, tolerance=0.01)
    assert (counted.wins, counted.ties, counted.losses) == expected
    assert counted.p == 1.0


def test_the_sign_test_by_hand():
    counted = win_tie_loss([0.0] * 8, [1.0] * 8)
    assert counted.p == pytest.approx(2 * 0.5**8)
    assert win_tie_loss([1.0], [1.0]).p == 1.0


def test_samples_that_are_no_pairs():
    with pytest.raises(ValueError, match="pairs of 2 and 1"):
        win_tie_loss([1.0, 2.0], [1.0])
