import numpy as np
import pytest
from scipy.stats import norm

from tuner.surrogates import GaussianProcess, Hyperparameters
from tuner.surrogates.prior.evidence import (
    DOUBT,
    MOMENTS,
    NETWORK,
    NONE,
    NoTransfer,
    mixed,
    weights,
)
from tuner.surrogates.prior.posterior import Posterior


@pytest.fixture
def hyperparameters():
    return Hyperparameters(np.array([0.5, 0.8, 2.0]), 0.6, 0.01, 0.4)


@pytest.fixture
def seen(rng, family):
    X = rng.random((15, 3))
    return X, family(0)(X)


def test_no_transfer_is_the_project_s_own_process(hyperparameters, seen, columns, rng):
    X, y = seen
    at = rng.random((40, 3))
    prior = NoTransfer(hyperparameters, hyperparameters.weights(columns))
    model = GaussianProcess(X, y, hyperparameters, columns)
    found = Posterior(prior, prior.embed(X), y)
    for one, other in zip(found.predict(prior.embed(at)), model.predict(at), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert found.log_marginal_likelihood == pytest.approx(model.log_marginal_likelihood, abs=1e-4)


def left_out_evidence(prior, X, z):
    """Each observation predicted from all others, its density mixed with a broad one."""
    total = 0.0
    for row in range(len(z)):
        others = np.arange(len(z)) != row
        model = Posterior(prior, prior.embed(X[others]), z[others])
        (mean,), (variance,) = model.predict(prior.embed(X[[row]]))
        expected = norm.pdf(z[row], mean, np.sqrt(variance + prior.noise))
        total += np.log(0.95 * expected + 0.05 * norm.pdf(z[row], 0.7, 0.7))
    return total


def test_weights_are_the_softmax_of_what_would_have_been_predicted(hyperparameters, seen):
    X, y = seen
    scaled = Hyperparameters(hyperparameters.lengthscales * 0.2, 0.6, 0.01, 0.4)
    made = {
        name: Posterior(prior, prior.embed(X), y)
        for name, prior in [
            (MOMENTS, NoTransfer(hyperparameters, hyperparameters.weights(np.arange(3)))),
            (NONE, NoTransfer(scaled, scaled.weights(np.arange(3)))),
        ]
    }
    found = weights(made, fitted={NONE: 2})
    one, other = (left_out_evidence(made[name].embedder, X, y) for name in (MOMENTS, NONE))
    assert found[MOMENTS] + found[NONE] == pytest.approx(1.0)
    assert found[MOMENTS] == pytest.approx(
        DOUBT / 2.0 + (1.0 - DOUBT) / (1.0 + np.exp(other - 2.0 - one))
    )
    assert weights({NETWORK: made[NONE]}, fitted={}) == {NETWORK: 1.0}


def test_a_prior_that_is_far_off_does_not_overflow(hyperparameters, seen):
    X, y = seen
    off = Hyperparameters(hyperparameters.lengthscales, 1e-6, 1e-6, 1e3)
    made = [NoTransfer(each, each.weights(np.arange(3))) for each in (hyperparameters, off)]
    posteriors = {
        name: Posterior(prior, prior.embed(X), y)
        for name, prior in zip((MOMENTS, NONE), made, strict=True)
    }
    found = weights(posteriors, fitted={})
    assert found[MOMENTS] == pytest.approx(1.0 - DOUBT / 2.0)
    assert found[NONE] == pytest.approx(DOUBT / 2.0)


def test_mean_and_variance_of_a_mixture_are_those_of_its_draws(rng):
    means, sds, shares = np.array([0.0, 3.0]), np.array([1.0, 0.5]), [0.3, 0.7]
    predictions = [(np.array([m]), np.array([s * s])) for m, s in zip(means, sds, strict=True)]
    mean, variance = mixed(predictions, shares)
    which = rng.random(200_000) > shares[0]
    draws = rng.normal(means[which.astype(int)], sds[which.astype(int)])
    assert mean[0] == pytest.approx(draws.mean(), abs=0.02)
    assert variance[0] == pytest.approx(draws.var(), rel=0.02)
