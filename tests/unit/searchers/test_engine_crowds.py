"""A search that comes back to its best a hundred times must not forget what it does not know."""

import numpy as np
import pytest

from tuner.searchers.engine.making import APART, FIT_POINTS, fit_apart, fit_rows
from tuner.surrogates import GaussianProcess, fit


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def wavy(X):
    return np.sin(9 * X[:, 0]) + np.cos(7 * X[:, 1])


def crowded(rng, crowd):
    X = np.concatenate([rng.random((25, 2)), 0.6 + 1e-4 * rng.random((crowd, 2))])
    return X, wavy(X)


def test_only_rows_apart_are_fitted_on(rng):
    X, y = crowded(rng, 150)
    rows = fit_rows(X, y)
    assert 20 <= len(rows) <= 26
    gaps = np.abs(X[rows][:, None] - X[rows]).max(axis=2) + np.eye(len(rows))
    assert gaps.min() >= APART


def test_a_long_history_is_fitted_on_a_bounded_part(rng):
    X = rng.random((3 * FIT_POINTS, 4))
    assert len(fit_rows(X, wavy(X))) <= FIT_POINTS


def test_a_crowd_does_not_make_the_model_sure_of_the_rest(rng):
    X, y = crowded(rng, 150)
    rows = fit_rows(X, y)
    model = GaussianProcess(X, y, fit(X[rows], y[rows], np.arange(2)), np.arange(2))
    elsewhere = np.random.default_rng(1).random((500, 2))
    mean, variance = model.predict(elsewhere)
    errors = np.abs(mean - wavy(elsewhere)) / np.sqrt(variance + 1e-12)
    assert np.mean(errors < 3) > 0.9


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_crowd_tells_how_little_noise_there_is(rng, noise):
    X, y = crowded(rng, 150)
    y = y + noise * rng.normal(size=len(y))
    found = fit_apart(X, y, np.arange(2))
    if noise:
        assert 0.01 < found.noise < 0.08
    else:
        assert found.noise < 1e-5


def test_a_long_crowd_is_looked_at_in_part(rng):
    X, y = crowded(rng, 5 * FIT_POINTS)
    assert fit_apart(X, y, np.arange(2)).noise < 1e-5
