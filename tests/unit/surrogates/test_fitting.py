import math

import numpy as np
import pytest
from scipy import stats

from tuner.errors import SurrogateError
from tuner.surrogates import GaussianProcess, Hyperparameters, Prior, fit
from tuner.surrogates.fitting import Evidence, LogNormal


def branin(U):
    x, y = 15.0 * U[:, 0] - 5.0, 15.0 * U[:, 1]
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def ridge(U):
    return np.abs(U[:, 0] - 0.6) * 3 + (U[:, 1] - 0.3) ** 2 + 0.3 * U[:, 2] * U[:, 3]


def noisy(U):
    return np.sin(6 * U[:, 0]) + 0.3 * np.random.default_rng(1).normal(size=len(U))


@pytest.fixture
def standardised(observations):
    X, y = observations
    return X, (y - y.mean()) / y.std(ddof=1)


def test_the_gradient_is_that_of_finite_differences(standardised, groups):
    evidence = Evidence(*standardised, groups, prior=Prior())
    t = np.array([-0.9, -0.2, 0.3, 1.5, -4.0])
    _, gradient = evidence.value(t)
    for index, step in enumerate(1e-6 * np.eye(5)):
        difference = (evidence.value(t + step)[0] - evidence.value(t - step)[0]) / 2e-6
        assert gradient[index] == pytest.approx(difference, rel=1e-5, abs=1e-5)


def test_the_value_is_likelihood_plus_prior(standardised, groups):
    X, y = standardised
    t = np.array([-0.9, -0.2, 0.3, 1.5, -4.0])
    evidence = Evidence(X, y, groups, prior=Prior())
    hyperparameters = Hyperparameters(np.exp(t[:-1]), 1.0, math.exp(t[-1]), evidence.mean(t))
    likelihood = GaussianProcess(X, y, hyperparameters, groups).log_marginal_likelihood
    # Hvarfner et al. 2024 with D = 4, and noise about exp(-4) with spread 2
    lengthscale = stats.lognorm(s=math.sqrt(3.0), scale=math.exp(math.sqrt(2.0) + math.log(4) / 2))
    noise = stats.lognorm(s=2.0, scale=math.exp(-4.0))
    prior = lengthscale.logpdf(np.exp(t[:-1])).sum() + noise.logpdf(math.exp(t[-1]))
    assert evidence.value(t)[0] == pytest.approx(likelihood + prior, rel=1e-9)


def test_the_mean_is_the_most_likely_one(standardised, groups):
    X, y = standardised
    t = np.array([-0.9, -0.2, 0.3, 1.5, -4.0])
    best = Evidence(X, y, groups, prior=Prior()).mean(t)

    def likelihood(mean):
        hyperparameters = Hyperparameters(np.exp(t[:-1]), 1.0, math.exp(t[-1]), mean)
        return GaussianProcess(X, y, hyperparameters, groups).log_marginal_likelihood

    assert likelihood(best) >= max(likelihood(best + 1e-3), likelihood(best - 1e-3))


@pytest.mark.parametrize("function", [branin, ridge, noisy])
@pytest.mark.parametrize("n", [12, 60])
def test_the_fit_is_as_probable_as_that_of_botorch(botorch, function, n, rng):
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
    from gpytorch.mlls import ExactMarginalLogLikelihood

    d = 2 if function is branin else 4
    X = rng.random((n, d))
    y = function(X)
    model = SingleTaskGP(
        torch.tensor(X),
        torch.tensor(y)[:, None],
        covar_module=get_covar_module_with_dim_scaled_prior(d, use_rbf_kernel=False),
    )
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    theirs = np.append(
        model.covar_module.lengthscale.detach().numpy().ravel(),
        model.likelihood.noise.detach().numpy(),
    )
    prior = Prior(noise=LogNormal(-4.0, 1.0), least_noise=1e-4)  # those of BoTorch
    ours = fit(X, y, np.arange(d), prior=prior)
    evidence = Evidence(X, (y - y.mean()) / y.std(ddof=1), np.arange(d), prior=prior)
    found = np.append(ours.lengthscales, ours.noise / ours.scale)
    assert evidence.value(np.log(found))[0] >= evidence.value(np.log(theirs))[0] - 0.05


def test_units_of_the_targets_do_not_matter(observations, groups):
    X, y = observations
    one, other = fit(X, y, groups), fit(X, 1000.0 * y - 5.0, groups)
    np.testing.assert_allclose(one.lengthscales, other.lengthscales, rtol=1e-3)
    assert other.mean == pytest.approx(1000.0 * one.mean - 5.0, rel=1e-3)
    assert other.noise == pytest.approx(1e6 * one.noise, rel=1e-2)


def test_a_function_without_noise_is_fitted_with_hardly_any(rng):
    X = rng.random((100, 2))
    hyperparameters = fit(X, branin(X), np.arange(2))
    assert hyperparameters.noise < 1e-5 * hyperparameters.scale


def test_noise_is_found(rng):
    X = rng.random((150, 4))
    hyperparameters = fit(X, noisy(X), np.arange(4))
    assert math.sqrt(hyperparameters.noise) == pytest.approx(0.3, rel=0.25)


def test_what_does_not_matter_gets_a_long_lengthscale(rng):
    X = rng.random((80, 4))
    lengthscales = fit(X, np.sin(6 * X[:, 0]), np.arange(4)).lengthscales
    assert lengthscales[1:].min() > 5.0 * lengthscales[0]


@pytest.mark.parametrize("y", [np.zeros(10), np.full(10, 1e9), np.full(10, -1e-12)])
def test_targets_that_do_not_vary_are_borne(y, rng):
    X = rng.random((10, 3))
    hyperparameters = fit(X, y, np.arange(3))
    mean, variance = GaussianProcess(X, y, hyperparameters, np.arange(3)).predict(
        rng.random((5, 3))
    )
    np.testing.assert_allclose(mean, y[0], rtol=1e-6, atol=1e-6)
    assert np.all(np.isfinite(variance))


def test_tiny_targets_are_not_taken_for_constant_ones(rng):
    X = rng.random((40, 2))
    hyperparameters = fit(X, 1e-15 * branin(X), np.arange(2))
    assert hyperparameters.scale == pytest.approx(1e-30 * branin(X).var(ddof=1), rel=1e-6, abs=0)


def test_repeated_rows_with_different_targets_are_noise(rng):
    X = np.repeat(rng.random((15, 2)), 4, axis=0)
    y = X[:, 0] + 0.2 * rng.normal(size=60)
    hyperparameters = fit(X, y, np.arange(2))
    assert math.sqrt(hyperparameters.noise) == pytest.approx(0.2, rel=0.3)


def test_the_same_observations_give_the_same_fit(observations, groups):
    one, other = fit(*observations, groups), fit(*observations, groups)
    np.testing.assert_array_equal(one.lengthscales, other.lengthscales)
    assert (one.noise, one.mean) == (other.noise, other.mean)


def test_bounds_are_kept(rng):
    X = rng.random((30, 2))
    prior = Prior(least_noise=1e-3, least_lengthscale=0.5)
    hyperparameters = fit(X, np.sin(40 * X[:, 0]), np.arange(2), prior=prior)
    assert hyperparameters.lengthscales.min() >= 0.5 - 1e-12
    assert hyperparameters.noise >= 1e-3 * hyperparameters.scale * (1 - 1e-9)


def test_targets_that_are_not_finite_are_refused():
    with pytest.raises(SurrogateError, match="a target in row 2 is not finite"):
        fit(np.zeros((3, 1)), np.array([0.0, 1.0, np.nan]), np.array([0]))


def test_the_log_normal_density_is_the_usual_one():
    density = LogNormal(0.3, 1.7)
    values = np.array([0.01, 1.0, 40.0])
    np.testing.assert_allclose(
        density.log_density(np.log(values)),
        stats.lognorm(s=1.7, scale=math.exp(0.3)).logpdf(values),
    )
