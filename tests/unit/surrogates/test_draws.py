"""Joint draws: moments against the predictions they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from tuner.errors import SurrogateError
from tuner.surrogates import GaussianProcess
from tuner.surrogates.draws import drawn

MANY = 6000


def test_draws_are_the_mean_and_the_factor_times_the_numbers(rng):
    root = rng.normal(size=(6, 6))
    mean, covariance = rng.normal(size=6), root @ root.T
    z = rng.normal(size=(4, 6))
    expected = mean + z @ np.linalg.cholesky(covariance).T
    np.testing.assert_allclose(drawn(mean, covariance.copy(), z), expected, rtol=1e-6)


def test_a_function_is_drawn_as_one(observations, hyperparameters, groups, rng):
    """Against the posterior covariance, and the same input twice has the same value twice."""
    X, y = observations
    model = GaussianProcess(X[:12], y[:12], hyperparameters, groups)
    at = rng.random((5, 5))
    draws = model.draw(at, z=rng.normal(size=(MANY, 5)))
    mean, variance = model.predict(at)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=4.0 * np.sqrt(variance.max() / MANY))
    covariance = model.covariance(at, at)
    np.testing.assert_allclose(
        np.cov(draws.T), covariance, atol=0.06 * np.diagonal(covariance).max()
    )
    twice = model.draw(np.concatenate([at[:1], at[:1]]), z=rng.normal(size=(50, 2)))
    np.testing.assert_allclose(twice[:, 0], twice[:, 1], atol=1e-3)


def test_nothing_is_drawn_nowhere(observations, hyperparameters, groups):
    model = GaussianProcess(*observations, hyperparameters, groups)
    assert model.draw(np.empty((0, 5)), z=np.empty((3, 0))).shape == (3, 0)


def test_what_is_no_covariance_is_refused():
    with pytest.raises(SurrogateError, match="factorised"):
        drawn(np.zeros(2), np.array([[1.0, 3.0], [3.0, 1.0]]), np.ones((1, 2)))
