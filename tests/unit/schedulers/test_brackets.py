import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.schedulers import bracket_levels, bracket_weights, choose_bracket

etas = st.integers(2, 5)
maxima = st.integers(1, 200)


@given(maxima, etas, st.integers(1, 8))
def test_every_next_bracket_leaves_out_one_rung(maximum, eta, brackets):
    levels = bracket_levels(1, maximum, eta, brackets=brackets)
    assert 1 <= len(levels) <= brackets
    for first, rungs in enumerate(levels):
        assert rungs == levels[0][first:]


@given(maxima, etas, st.integers(1, 8))
def test_weights_are_those_of_hyperband(maximum, eta, brackets):
    levels = bracket_levels(1, maximum, eta, brackets=brackets)
    weights = bracket_weights(levels, eta)
    assert sum(weights) == pytest.approx(1.0)
    for rungs, weight in zip(levels, weights, strict=True):
        expected = eta ** len(rungs) / (len(rungs) + 1)
        whole = eta ** len(levels[0]) / (len(levels[0]) + 1)
        assert weight / weights[0] == pytest.approx(expected / whole)


@given(st.integers(0, 1000), st.integers(0, 50), st.integers(1, 300))
def test_brackets_have_their_parts_after_any_number_of_proposals(seed, worker, count):
    weights = bracket_weights(bracket_levels(1, 27, 3, brackets=4), 3)
    chosen = [choose_bracket(weights, seed=seed, worker=worker, number=n) for n in range(count)]
    for bracket, weight in enumerate(weights):
        assert abs(chosen.count(bracket) - weight * count) < 4
