import numpy as np
import pytest

from tuner.errors import SurrogateError
from tuner.surrogates import GaussianProcess, Hyperparameters, fit


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_predictions_are_those_of_gpytorch(gpytorch_model, observations, groups, rng, noise):
    import torch

    X, y = observations
    hyperparameters = Hyperparameters(np.array([0.4, 0.9, 1.7, 3.0]), 2.3, noise, 0.7)
    inputs = rng.random((300, 5))
    with torch.no_grad():
        oracle = gpytorch_model(X, y, hyperparameters, groups)(torch.tensor(inputs))

    mean, variance = GaussianProcess(X, y, hyperparameters, groups).predict(inputs)

    np.testing.assert_allclose(mean, oracle.mean.numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(variance, oracle.variance.numpy(), rtol=1e-6, atol=1e-6)


def test_the_marginal_likelihood_is_that_of_the_normal_distribution(
    observations, groups, hyperparameters
):
    import torch

    X, y = observations
    model = GaussianProcess(X, y, hyperparameters, groups)
    distances = np.sqrt(
        sum(
            np.subtract.outer(X[:, c], X[:, c]) ** 2 / hyperparameters.lengthscales[groups[c]] ** 2
            for c in range(5)
        )
    )
    root = np.sqrt(5.0) * distances
    covariance = hyperparameters.scale * (1 + root + root**2 / 3) * np.exp(-root)
    covariance += hyperparameters.noise * np.eye(len(y))
    normal = torch.distributions.MultivariateNormal(
        torch.full((40,), hyperparameters.mean, dtype=torch.float64), torch.tensor(covariance)
    )
    assert model.log_marginal_likelihood == pytest.approx(
        float(normal.log_prob(torch.tensor(y))), rel=1e-9
    )


@pytest.fixture
def model(observations, groups, hyperparameters):
    return GaussianProcess(*observations, hyperparameters, groups)


def test_conditioning_is_fitting_to_all_at_once(model, observations, groups, hyperparameters, rng):
    X, y = observations
    more, values, inputs = rng.random((7, 5)), rng.normal(size=7), rng.random((50, 5))
    whole = GaussianProcess(
        np.concatenate([X, more]), np.concatenate([y, values]), hyperparameters, groups
    )

    appended = model.condition(more[:3], values[:3]).condition(more[3:], values[3:])

    assert len(appended) == 47
    for one, other in zip(appended.predict(inputs), whole.predict(inputs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)
    assert appended.log_marginal_likelihood == pytest.approx(whole.log_marginal_likelihood)


def test_the_mean_alone_is_the_mean(model, rng):
    inputs = rng.random((3000, 5))
    np.testing.assert_allclose(model.mean(inputs), model.predict(inputs)[0], rtol=1e-12)


def test_the_covariance_has_the_variances_on_its_diagonal(model, rng):
    inputs, others = rng.random((30, 5)), rng.random((8, 5))
    joint = model.covariance(inputs, inputs)
    np.testing.assert_allclose(np.diag(joint), model.predict(inputs)[1], atol=1e-12)
    assert np.linalg.eigvalsh(joint).min() > -1e-10
    np.testing.assert_allclose(model.covariance(others, inputs), model.covariance(inputs, others).T)


def test_conditioning_on_a_point_lowers_the_variance_by_the_covariance(model, rng):
    inputs, point = rng.random((30, 5)), rng.random((1, 5))
    cross = model.covariance(inputs, point)[:, 0]
    at_point = model.predict(point)[1][0] + model.hyperparameters.noise
    lowered = model.condition(point, np.zeros(1)).predict(inputs)[1]
    np.testing.assert_allclose(lowered, model.predict(inputs)[1] - cross**2 / at_point, atol=1e-10)


def test_a_mean_function_is_subtracted_before_and_added_after(
    observations, groups, hyperparameters, rng
):
    X, y = observations
    inputs = rng.random((20, 5))

    def slope(X):
        return 3.0 * X[:, 0]

    with_mean = GaussianProcess(X, y + slope(X), hyperparameters, groups, mean_function=slope)
    plain = GaussianProcess(X, y, hyperparameters, groups)
    np.testing.assert_allclose(
        with_mean.predict(inputs)[0], plain.predict(inputs)[0] + slope(inputs)
    )
    np.testing.assert_allclose(with_mean.predict(inputs)[1], plain.predict(inputs)[1])


def test_far_from_the_data_the_prior_is_left(observations, groups, hyperparameters):
    mean, variance = GaussianProcess(*observations, hyperparameters, groups).predict(
        np.full((1, 5), 1e3)
    )
    assert mean[0] == pytest.approx(0.7)
    assert variance[0] == pytest.approx(2.3)


@pytest.mark.parametrize("noise", [1e-3, 1e-12, 0.0])
def test_repeated_rows_are_borne(noise, groups):
    X = np.repeat(np.random.default_rng(0).random((6, 5)), 5, axis=0)
    y = X.sum(axis=1)
    model = GaussianProcess(X, y, Hyperparameters(np.ones(4), 1.0, noise, 0.0), groups)
    mean, variance = model.predict(X)
    np.testing.assert_allclose(mean, y, atol=1e-2)
    assert np.all(variance >= 0.0)
    again = model.condition(X[:4], y[:4])
    np.testing.assert_allclose(again.predict(X)[0], y, atol=1e-2)


def test_one_observation_is_enough(groups):
    X, y = np.full((1, 5), 0.5), np.array([3.0])
    model = GaussianProcess(X, y, fit(X, y, groups), groups)
    mean, variance = model.predict(np.array([[0.5] * 5, [0.0] * 5]))
    np.testing.assert_allclose(mean, 3.0)
    assert variance[0] < variance[1] <= 1.0


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.array([[0.0], [np.nan]]), np.zeros(2), "an input in row 1 is not finite"),
        (np.zeros((2, 1)), np.array([0.0, np.inf]), "a target in row 1 is not finite"),
        (np.zeros((2, 1)), np.zeros(3), "shape"),
        (np.zeros(2), np.zeros(2), "shape"),
        (np.empty((0, 1)), np.empty(0), "at least one observation"),
        (np.zeros((2, 2)), np.zeros(2), "expected 1 columns"),
    ],
)
def test_what_no_model_can_learn_from_is_refused(X, y, message):
    hyperparameters = Hyperparameters(np.ones(1), 1.0, 0.1, 0.0)
    with pytest.raises(SurrogateError, match=message):
        GaussianProcess(X, y, hyperparameters, np.array([0]))


def test_a_model_without_inputs_is_a_constant():
    y = np.array([1.0, 2.0, 3.0])
    X, groups = np.empty((3, 0)), np.empty(0, dtype=np.intp)
    hyperparameters = fit(X, y, groups)
    mean, variance = GaussianProcess(X, y, hyperparameters, groups).predict(np.empty((2, 0)))
    np.testing.assert_allclose(mean, 2.0, atol=1e-6)
    assert np.all(np.isfinite(variance))
