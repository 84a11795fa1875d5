import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.surrogates.working_set import apart, choose


def test_all_are_kept_while_they_fit(rng):
    assert choose(rng.random((5, 2)), np.arange(5.0), 5).tolist() == [0, 1, 2, 3, 4]


def test_the_best_are_kept_and_the_rest_is_spread(rng):
    X = np.concatenate([np.zeros((50, 2)), [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]])
    X[:50] += 1e-3 * rng.random((50, 2))
    priority = np.arange(53.0)
    assert choose(X, priority, 6).tolist() == [0, 1, 2, 50, 51, 52]


def test_each_farthest_point_is_the_farthest(rng):
    X, priority = rng.random((200, 3)), rng.random(200)
    kept = choose(X, priority, 20, best_share=0.25)
    best = np.argsort(priority)[:5].tolist()
    expected = list(best)
    while len(expected) < 20:
        distances = ((X[:, None] - X[expected]) ** 2).sum(axis=-1).min(axis=1)
        expected.append(int(distances.argmax()))
    assert kept.tolist() == sorted(expected)


def test_rows_that_must_be_kept_are(rng):
    priority = np.zeros(100)
    priority[60:90] = -np.inf
    kept = choose(rng.random((100, 2)), priority, 40)
    assert set(range(60, 90)) <= set(kept.tolist())
    assert len(kept) == 40


def test_more_than_fit_cannot_be_kept(rng):
    assert choose(rng.random((10, 2)), np.full(10, -np.inf), 4).tolist() == [0, 1, 2, 3]


@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 5), st.integers(0, 10))
def test_rows_are_distinct_and_as_many_as_asked(n, size, p, seed):
    rng = np.random.default_rng(seed)
    # rows repeat, so that the farthest may be at distance 0
    X = rng.integers(0, 3, size=(n, p)).astype(float)
    priority = rng.integers(0, 4, size=n).astype(float)
    kept = choose(X, priority, size)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert len(kept) == min(n, size)
    assert kept.tolist() == choose(X, priority, size).tolist()
    assert int(np.argmin(priority)) in kept


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_the_best_can_be_all_or_one(share, rng):
    priority = rng.random(30)
    kept = choose(rng.random((30, 2)), priority, 10, best_share=share)
    best = np.argsort(priority)[: 10 if share else 1]
    assert set(best.tolist()) <= set(kept.tolist())


def test_rows_near_a_kept_one_are_dropped_and_those_near_a_dropped_one_are_not():
    X = np.array([[0.0, 0.5], [0.02, 0.5], [0.04, 0.5], [0.04, 0.9], [0.0, 0.5]])
    assert apart(X, least=0.03).tolist() == [0, 2, 3]
    assert apart(X, least=0.0).tolist() == [0, 1, 2, 3, 4]
    assert apart(np.empty((3, 0)), least=0.03).tolist() == [0, 1, 2]
