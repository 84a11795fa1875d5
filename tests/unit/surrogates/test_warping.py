import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tuner.surrogates.warping import BadHalf, FarTail, Logarithm, Standardize, normal_scores

targets = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30).map(np.array)


@given(targets)
def test_standardised_targets_come_back(y):
    warp = Standardize.of(y)
    np.testing.assert_allclose(warp.inverse(warp.transform(y)), y, rtol=1e-9, atol=1e-6)


def test_standardised_targets_have_mean_0_and_deviation_1(rng):
    z = Standardize.of(y := rng.normal(5.0, 3.0, size=50)).transform(y)
    assert z.mean() == pytest.approx(0.0, abs=1e-12)
    assert z.std(ddof=1) == pytest.approx(1.0)


@pytest.mark.parametrize("y", [np.array([7.0]), np.full(9, 0.1), np.zeros(3)])
def test_targets_that_do_not_vary_are_only_centred(y):
    warp = Standardize.of(y)
    assert warp.unit == 1.0
    np.testing.assert_allclose(warp.transform(y), 0.0, atol=1e-12)


def test_logarithms_bear_zeros():
    y = np.array([0.0, 1.0, 100.0])
    warp = Logarithm.of(y)
    z = warp.transform(y)
    assert np.all(np.isfinite(z))
    assert z[1:] == pytest.approx(np.log(y[1:]))
    np.testing.assert_allclose(warp.inverse(z[1:]), y[1:])
    assert z[0] < z[1]
    assert np.isfinite(Logarithm.of(np.zeros(2)).transform(np.zeros(2))).all()


def test_the_better_half_is_kept_and_penalties_are_drawn_in(rng):
    y = np.append(rng.normal(size=40), [1e6, 1e9])
    z = BadHalf.of(y).transform(y)
    better = y <= np.median(y)
    np.testing.assert_array_equal(z[better], y[better])
    assert z.max() < 10.0
    np.testing.assert_array_equal(np.argsort(z, kind="stable"), np.argsort(y, kind="stable"))


def test_normal_targets_are_left_almost_as_they_are():
    y = stats.norm(2.0, 3.0).ppf((np.arange(101) + 0.5) / 101)
    np.testing.assert_allclose(BadHalf.of(y).transform(y), y, atol=0.2)


@given(targets)
def test_the_bad_half_comes_back_in_order(y):
    warp = BadHalf.of(y)
    z = warp.transform(y)
    np.testing.assert_allclose(warp.inverse(z), y, rtol=1e-6, atol=1e-3)
    assert np.all(np.diff(z[np.argsort(y)]) >= 0.0)
    assert np.all(z <= y)


def test_beyond_the_worst_the_warp_goes_on_rising():
    warp = BadHalf.of(np.array([0.0, 1.0, 2.0, 50.0]))
    inside, beyond = warp.transform(np.array([50.0, 60.0]))
    assert beyond == pytest.approx(inside + 10.0)
    assert warp.inverse(np.array([beyond]))[0] == pytest.approx(60.0)


def test_only_a_far_tail_is_drawn_in():
    # median 2, better half (0, 1) at -2 and -1: unit sqrt(2.5); the tail starts at 2 + 4 units
    y = np.array([0.0, 1.0, 2.0, 7.0, 1e6])
    unit = np.sqrt(2.5)
    start = 2.0 + 4.0 * unit
    z = FarTail.of(y).transform(y)
    assert z[:4].tolist() == y[:4].tolist()
    assert z[4] == pytest.approx(start + unit * np.log1p((1e6 - start) / unit))


@given(targets)
def test_the_far_tail_keeps_the_order_and_comes_back(y):
    warp = FarTail.of(y)
    z = warp.transform(y)
    order = np.argsort(y, kind="stable")
    assert np.all(np.diff(z[order]) >= 0.0)
    assert np.all(z <= y)
    np.testing.assert_allclose(warp.inverse(z), y, rtol=1e-6, atol=1e-6 * warp.unit)


def test_normal_scores_are_quantiles_of_mid_ranks_clipped():
    y = np.array([10.0, 30.0, 20.0, 40.0, 1e9])
    # n = 5: d = 1 / (4 * 5^.25 * sqrt(pi log 5)) = 0.07434
    expected = stats.norm.ppf(np.clip([0.1, 0.5, 0.3, 0.7, 0.9], 0.07434, 1 - 0.07434))
    np.testing.assert_allclose(normal_scores(y), expected, atol=1e-4)
    many = normal_scores(np.arange(1000.0))
    delta = 1 / (4 * 1000**0.25 * np.sqrt(np.pi * np.log(1000)))
    assert many.max() == pytest.approx(stats.norm.ppf(1 - delta))


@given(targets)
def test_normal_scores_depend_on_the_order_alone(y):
    z = normal_scores(y)
    np.testing.assert_array_equal(z, normal_scores(stats.rankdata(y)))
    np.testing.assert_allclose(normal_scores(-y), -z, atol=1e-12)


def test_ties_share_their_score():
    z = normal_scores(np.array([1.0, 2.0, 2.0, 3.0]))
    assert z[1] == z[2] == pytest.approx(0.0)
    assert normal_scores(np.array([3.0])).tolist() == [0.0]
