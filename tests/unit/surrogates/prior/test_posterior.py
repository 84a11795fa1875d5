import numpy as np
import pytest
import torch

from tuner.errors import SurrogateError
from tuner.surrogates.kernels import matern52, squared_distances
from tuner.surrogates.prior.embedding import Embedding, Part
from tuner.surrogates.prior.posterior import Posterior, factorised, whitened


class Wavy:
    """A prior with a mean, two factors and a part whose amplitude varies."""

    noise = 0.03

    def embed(self, X):
        part = Part((X - 0.5) * [2.0, 1.0, 0.5], 0.3 + 0.4 * X[:, 0])
        return Embedding(np.sin(X.sum(axis=1)), np.column_stack([X[:, 1], X[:, 2] ** 2]), (part,))


@pytest.fixture
def prior():
    return Wavy()


@pytest.fixture
def seen(rng):
    X = rng.random((14, 3))
    return X, np.cos(4.0 * X[:, 0]) + X[:, 1]


def covariance(A, B):
    """Entry by entry, from the definition."""
    a, b = Wavy().embed(A), Wavy().embed(B)
    k = np.empty((len(A), len(B)))
    for i in range(len(A)):
        for j in range(len(B)):
            s = np.sqrt(((a.parts[0].Z[i] - b.parts[0].Z[j]) ** 2).sum())
            matern = (1 + s + s * s / 3) * np.exp(-s)
            k[i, j] = a.factor[i] @ b.factor[j]
            k[i, j] += a.parts[0].amplitude[i] * b.parts[0].amplitude[j] * matern
    return k


def test_covariance_and_variance_are_the_definition_s(prior, rng):
    A, B = rng.random((7, 3)), rng.random((4, 3))
    np.testing.assert_allclose(prior.embed(A).covariance(prior.embed(B)), covariance(A, B))
    np.testing.assert_allclose(prior.embed(A).variance, np.diag(covariance(A, A)))


def test_predictions_are_those_of_the_joint_normal(prior, seen, rng):
    X, z = seen
    at = rng.random((9, 3))
    model = Posterior(prior, prior.embed(X), z)
    K = covariance(X, X) + prior.noise * np.eye(len(X))
    gain = np.linalg.solve(K, covariance(X, at)).T
    mean, variance = model.predict(prior.embed(at))
    np.testing.assert_allclose(
        mean, prior.embed(at).mean + gain @ (z - prior.embed(X).mean), atol=1e-9
    )
    np.testing.assert_allclose(
        variance, np.diag(covariance(at, at) - gain @ covariance(X, at)), atol=1e-9
    )


def test_the_likelihood_is_that_of_the_normal_distribution(prior, seen):
    X, z = seen
    normal = torch.distributions.MultivariateNormal(
        torch.tensor(prior.embed(X).mean),
        torch.tensor(covariance(X, X) + prior.noise * np.eye(len(X))),
    )
    expected = float(normal.log_prob(torch.tensor(z)))
    assert Posterior(prior, prior.embed(X), z).log_marginal_likelihood == pytest.approx(expected)


def test_what_is_left_out_is_predicted_by_the_others(prior, seen):
    """The closed form, against conditioning on all but one, fourteen times."""
    X, z = seen
    mean, variance = Posterior(prior, prior.embed(X), z).left_out()
    for row in range(len(z)):
        others = np.arange(len(z)) != row
        model = Posterior(prior, prior.embed(X[others]), z[others])
        (m,), (v,) = model.predict(prior.embed(X[[row]]))
        assert mean[row] == pytest.approx(m, abs=1e-8)
        assert variance[row] == pytest.approx(v + prior.noise, abs=1e-8)


def test_conditioning_is_fitting_to_all_at_once(prior, seen, rng):
    X, z = seen
    at = prior.embed(rng.random((20, 3)))
    whole = Posterior(prior, prior.embed(X), z).predict(at)
    parts = Posterior(prior, prior.embed(X[:5]), z[:5]).condition(prior.embed(X[5:]), z[5:])
    for one, other in zip(parts.predict(at), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_without_observations_the_prior_is_left(prior, rng):
    at = prior.embed(rng.random((6, 3)))
    mean, variance = Posterior(prior, prior.embed(np.empty((0, 3))), np.empty(0)).predict(at)
    np.testing.assert_allclose(mean, at.mean)
    np.testing.assert_allclose(variance, at.variance)


def test_the_order_of_observations_does_not_matter(prior, seen, rng):
    X, z = seen
    at = prior.embed(rng.random((6, 3)))
    order = rng.permutation(len(z))
    for one, other in zip(
        Posterior(prior, prior.embed(X), z).predict(at),
        Posterior(prior, prior.embed(X[order]), z[order]).predict(at),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_repeated_inputs_are_borne_without_noise():
    X = np.repeat(np.random.default_rng(0).random((5, 3)), 4, axis=0)
    k = matern52(squared_distances(X, X))
    factor = factorised(k, noise=0.0)
    np.testing.assert_allclose(factor @ factor.T, k, atol=2e-4)


def test_a_covariance_that_is_none_is_refused():
    with pytest.raises(SurrogateError, match="positive definite"):
        factorised(np.array([[1.0, 2.0], [2.0, 1.0]]), noise=0.0)


def test_whitening_divides_by_the_factor(rng):
    root = rng.normal(size=(6, 6))
    factor = factorised(root @ root.T, noise=0.1)
    values = rng.normal(size=(6, 2))
    np.testing.assert_allclose(factor @ whitened(factor, values), values, atol=1e-9)
