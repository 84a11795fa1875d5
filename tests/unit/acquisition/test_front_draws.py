"""The front of draws, against enumeration and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tuner.acquisition.front_draws import chances, copula_scores, dense_ranks, on_front, portfolio
from tuner.pareto import dominates, hypervolume

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 4))
TIED = SHAPES.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(0, 4)))
NONE = np.zeros(0, dtype=np.intp)


def enumerated(draws):
    """The share of draws in which nobody dominates a candidate, one comparison at a time."""
    share = np.zeros(draws.shape[1])
    for draw in draws:
        for i, one in enumerate(draw):
            if np.isfinite(one).all():
                share[i] += not any(dominates(other, one) for other in draw)
    return share / len(draws)


def rescaled(draws, rng):
    """Each objective of each draw by a rising change of scale of its own."""
    powers = rng.integers(0, 3, size=(len(draws), 1, draws.shape[2]))
    return np.choose(powers, [np.exp(draws), 7.0 * draws - 3.0, draws**3])


@given(TIED)
def test_chances_are_the_shares_of_draws_in_which_nobody_dominates(draws):
    np.testing.assert_allclose(chances(draws), enumerated(draws))


@given(TIED, st.integers(0, 99))
def test_units_and_rising_changes_of_scale_do_not_matter(draws, seed):
    other = rescaled(draws, np.random.default_rng(seed))
    np.testing.assert_array_equal(on_front(draws), on_front(other))
    np.testing.assert_array_equal(copula_scores(draws), copula_scores(other))
    assert portfolio(draws, given=NONE, count=5) == portfolio(other, given=NONE, count=5)


@given(TIED, st.randoms())
def test_the_order_of_the_objectives_does_not_matter(draws, random):
    order = random.sample(range(draws.shape[2]), draws.shape[2])
    other = draws[:, :, order]
    np.testing.assert_array_equal(on_front(draws), on_front(other))
    assert portfolio(draws, given=NONE, count=5) == portfolio(other, given=NONE, count=5)


@given(TIED, st.randoms())
def test_the_order_of_the_candidates_moves_their_chances_along(draws, random):
    order = random.sample(range(draws.shape[1]), draws.shape[1])
    np.testing.assert_array_equal(chances(draws)[order], chances(draws[:, order]))


@given(TIED)
def test_scores_are_normal_quantiles_of_mid_ranks(draws):
    ranks = stats.rankdata(draws, axis=1)
    expected = stats.norm.ppf((ranks - 0.5) / draws.shape[1])
    np.testing.assert_allclose(copula_scores(draws), expected, atol=1e-12)
    np.testing.assert_array_equal(dense_ranks(draws) + 1, stats.rankdata(draws, "dense", axis=1))


def test_what_breaks_a_constraint_is_on_no_front():
    draws = np.array([[[np.inf, np.inf], [1.0, 2.0]], [[np.inf, np.inf], [np.inf, np.inf]]])
    assert chances(draws).tolist() == [0.0, 0.5]
    assert portfolio(draws, given=NONE, count=2) == [1]
    assert np.isinf(copula_scores(draws)[0, 0]).all()


@settings(deadline=None)
@given(TIED, st.data())
def test_a_portfolio_adds_what_is_new(draws, data):
    count = draws.shape[1]
    tried = data.draw(st.lists(st.integers(0, count - 1), max_size=3, unique=True))
    chosen = portfolio(draws, given=np.array(tried, dtype=np.intp), count=count)
    assert len(set(chosen)) == len(chosen)
    assert not set(chosen) & set(tried)
    for place, one in enumerate(chosen):
        before = [*tried, *chosen[:place]]
        assert any(not (draws[:, other] <= draws[:, one]).all() for other in before) or not before


@pytest.mark.parametrize("objectives", [2, 3])
def test_a_portfolio_is_worth_what_exact_greedy_choice_is(objectives, rng):
    """Expected hypervolume of the scores up to the same corner, each step by exact volumes."""
    draws = rng.normal(size=(40, 25, objectives)) + rng.normal(size=(1, 25, objectives))
    scores = copula_scores(draws)
    high = stats.norm.ppf(1.0 - 0.5 / 25)
    corner = [high + 0.2 * high] * objectives

    def worth(rows):
        volumes = [hypervolume([tuple(s[r]) for r in rows], corner) for s in scores]
        return float(np.mean(volumes))

    greedy = []
    while len(greedy) < 3:
        left = [row for row in range(25) if row not in greedy]
        greedy.append(max(left, key=lambda row: worth([*greedy, row])))
    assert worth(portfolio(draws, given=NONE, count=3)) >= 0.97 * worth(greedy)


def test_what_dominates_in_every_draw_comes_first_and_alone(rng):
    draws = rng.random((30, 12, 3))
    draws[:, 5] = -1.0
    assert portfolio(draws, given=NONE, count=12) == [5]
    assert chances(draws)[5] == 1.0
