import numpy as np
import pytest

from tuner.surrogates.prior.emulators import Atlas
from tuner.surrogates.prior.moments import Moments, Residual, equal_groups, moments


@pytest.fixture
def values(rng):
    return rng.normal(size=(30, 6))


def test_they_are_the_sample_mean_and_covariance(values):
    mean, factor, _ = moments(values, np.zeros_like(values), np.ones(6))
    np.testing.assert_allclose(mean, values.mean(axis=1))
    np.testing.assert_allclose(factor @ factor.T, np.cov(values), atol=1e-12)


def test_a_group_counts_as_one_task(values):
    """Three copies of one task in a group, and three others: as if there were four tasks."""
    copied = np.column_stack([values[:, [0, 0, 0]], values[:, 1:4]])
    shares = equal_groups(("g", "g", "g", "b", "c", "d"))
    assert shares.sum() == pytest.approx(4.0)
    mean, factor, doubt = moments(copied, copied**2, shares)
    np.testing.assert_allclose(mean, values[:, :4].mean(axis=1))
    np.testing.assert_allclose(factor @ factor.T, np.cov(values[:, :4]), atol=1e-12)
    np.testing.assert_allclose(doubt, (values[:, :4] ** 2).mean(axis=1))


def test_one_group_shows_no_deviations(values):
    mean, factor, _ = moments(values[:, :2], np.zeros((30, 2)), equal_groups(("g", "g")))
    np.testing.assert_allclose(mean, values[:, :2].mean(axis=1))
    assert not factor.any()


def test_the_prior_is_the_moments_and_the_residual(rng, values):
    """At the anchors: mean, sample covariance and a stationary part that grows with doubt."""
    anchors = rng.random((30, 3))
    doubt = rng.random((30, 6)) * 0.1
    weights = np.full(3, 40.0)
    residual = Residual(amplitude=0.3, reach=1e-4, noise=0.05, span=0.8)
    prior = Moments(Atlas(weights, anchors, values, doubt), np.ones(6), residual)
    made = prior.embed(anchors)
    np.testing.assert_allclose(made.mean, values.mean(axis=1), atol=2e-3)
    stationary = np.diag(0.3**2 + doubt.mean(axis=1))
    expected = 0.8**2 * np.cov(values) + stationary
    np.testing.assert_allclose(made.covariance(made), expected, atol=2e-2)
    np.testing.assert_allclose(made.variance, np.diag(expected), atol=2e-2)
    assert prior.noise == pytest.approx(0.05**2)
