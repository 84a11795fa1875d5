import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from tuner.acquisition import eta, sobol_normal, sobol_uniform

money = st.floats(0.0, 100.0)


def test_it_cools_from_one_after_warm_up_to_nothing_at_the_end():
    assert eta(spent=10.0, pending=0.0, warm_up=10.0, total=50.0) == 1.0
    assert eta(spent=30.0, pending=0.0, warm_up=10.0, total=50.0) == 0.5
    assert eta(spent=50.0, pending=0.0, warm_up=10.0, total=50.0) == 0.0


def test_what_is_under_way_counts_as_spent():
    assert eta(spent=20.0, pending=10.0, warm_up=10.0, total=50.0) == 0.5


def test_it_never_leaves_its_bounds():
    assert eta(spent=0.0, pending=0.0, warm_up=10.0, total=50.0) == 1.0
    assert eta(spent=70.0, pending=0.0, warm_up=10.0, total=50.0, floor=0.3) == 0.3
    assert eta(spent=10.0, pending=0.0, warm_up=10.0, total=10.0, floor=0.3) == 0.3


def test_without_a_budget_it_stays_at_one():
    assert eta(spent=1e9, pending=1e9, warm_up=1.0, total=None) == 1.0


@given(spent=money, pending=money, more=money, warm_up=money, total=money)
def test_spending_more_never_heats_it(spent, pending, more, warm_up, total):
    before = eta(spent=spent, pending=pending, warm_up=warm_up, total=total)
    assert eta(spent=spent + more, pending=pending, warm_up=warm_up, total=total) <= before
    assert eta(spent=spent, pending=pending + more, warm_up=warm_up, total=total) <= before


@pytest.mark.parametrize("floor", [-0.1, 1.1])
def test_a_floor_that_is_no_share_is_refused(floor):
    with pytest.raises(ValueError, match="floor"):
        eta(spent=0.0, pending=0.0, warm_up=0.0, total=1.0, floor=floor)


@pytest.mark.parametrize(("count", "dim"), [(1, 1), (64, 6), (1000, 3)])
def test_draws_are_normal_independent_and_those_of_their_generator(count, dim):
    draws = sobol_normal(count, dim, rng=np.random.default_rng(5))
    again = sobol_normal(count, dim, rng=np.random.default_rng(5))
    other = sobol_normal(count, dim, rng=np.random.default_rng(6))
    assert draws.shape == (count, dim)
    np.testing.assert_array_equal(draws, again)
    assert not np.array_equal(draws, other)
    assert np.isfinite(draws).all()


def test_their_moments_are_those_of_a_normal():
    draws = sobol_normal(1024, 5, rng=np.random.default_rng(7))
    np.testing.assert_allclose(draws.mean(axis=0), 0.0, atol=5e-3)
    np.testing.assert_allclose(np.cov(draws.T), np.eye(5), atol=0.05)
    assert all(kstest(column, "norm").statistic < 0.01 for column in draws.T)


def test_points_fill_the_cube_evenly():
    points = sobol_uniform(64, 2, rng=np.random.default_rng(8))
    cells = np.unique((points * 8).astype(int) @ [8, 1])
    assert len(cells) == 64


def test_no_points_are_an_empty_array():
    assert sobol_uniform(0, 3, rng=np.random.default_rng(0)).shape == (0, 3)
    assert sobol_uniform(4, 0, rng=np.random.default_rng(0)).shape == (4, 0)
