"""The objective against torch: values by its distributions, gradients by its autograd."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tuner.surrogates.prior.network import FeatureKernel, Network
from tuner.surrogates.prior.objective import Batch, divergence, loss
from tuner.surrogates.prior.training import Shape, train

COLUMNS = 3


@pytest.fixture
def shape():
    return Shape(COLUMNS, (5, 4))


@pytest.fixture
def vector(shape, rng):
    """Parameters far from the start, no two alike."""
    return shape.initial(np.full(COLUMNS, 2.0), rng) + 0.3 * rng.normal(size=shape.size)


@pytest.fixture
def batch(rng):
    X = rng.random((17, COLUMNS))
    common = np.sin(4.0 * X[:, 0]) + X[:, 1]
    return Batch.of(X, common[:, None] + 0.3 * rng.normal(size=(17, 4)))


def moments_of(network, X):
    """Mean and covariance by the definition in the module's first lines, in torch."""
    inputs = torch.tensor(X) - 0.5
    h = inputs
    for layer in network.layers:
        h = torch.tanh(h @ layer[:, :-1].T + layer[:, -1])
    mean = h @ network.readout[:-1] + network.readout[-1]

    def matern(Z):
        # the square root's derivative at 0 is infinite: the diagonal is left out of it
        q = ((Z[:, None] - Z[None]) ** 2).sum(dim=2)
        s = torch.sqrt(5.0 * q + torch.eye(len(q), dtype=q.dtype)) * (
            1.0 - torch.eye(len(q), dtype=q.dtype)
        )
        return (1.0 + s + s * s / 3.0) * torch.exp(-s)

    K = torch.exp(2.0 * network.log_amplitude) * matern(h)
    K = K + torch.exp(2.0 * network.log_residual) * matern(
        inputs / torch.exp(network.log_lengthscales)
    )
    noise = torch.exp(2.0 * network.log_noise) + 1e-8
    return mean, K + noise * torch.eye(len(X), dtype=torch.float64)


def in_torch(shape, vector):
    """The network with its numbers as leaves of one graph."""
    leaf = torch.tensor(vector, requires_grad=True)
    layers, at = [], 0
    for rows, columns in shape.layers:
        layers.append(leaf[at : at + rows * columns].reshape(rows, columns))
        at += rows * columns
    width = shape.widths[-1] + 1
    readout, at = leaf[at : at + width], at + width
    return leaf, Network(
        layers=tuple(layers),
        readout=readout,
        log_amplitude=leaf[at],
        log_residual=leaf[at + 1],
        log_noise=leaf[at + 2],
        log_lengthscales=leaf[at + 3 :],
    )


def test_the_parameters_lie_in_the_vector_as_they_are_read(shape, vector):
    network = shape.unpack(vector)
    np.testing.assert_array_equal(shape.pack(network), vector)
    assert [layer.shape for layer in network.layers] == [(5, 4), (4, 6)]


@pytest.mark.parametrize("tasks", [1, 4])
def test_value_and_gradient_are_torch_s(shape, vector, batch, tasks):
    """The mean of the tasks' negative log densities, differentiated automatically."""
    z = batch.target[:, None] + batch.deviations * math.sqrt(batch.deviations.shape[1])
    z = z[:, :tasks]
    leaf, network = in_torch(shape, vector)
    mean, K = moments_of(network, batch.X)
    normal = torch.distributions.MultivariateNormal(mean, K)
    expected = -normal.log_prob(torch.tensor(z.T)).mean()
    expected.backward()

    value, gradient = loss(shape.unpack(vector), Batch.of(batch.X, z))

    assert value == pytest.approx(expected.item(), rel=1e-9)
    np.testing.assert_allclose(
        shape.pack(gradient), leaf.grad.numpy(), rtol=1e-6, atol=1e-6 * leaf.grad.abs().max().item()
    )


def test_the_gradient_is_that_of_finite_differences(shape, vector, batch):
    _, gradient = loss(shape.unpack(vector), batch)
    for place, (slope, step) in enumerate(
        zip(shape.pack(gradient), np.eye(shape.size), strict=True)
    ):
        above, _ = loss(shape.unpack(vector + 1e-5 * step), batch)
        below, _ = loss(shape.unpack(vector - 1e-5 * step), batch)
        assert slope == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=1e-5), place


def test_up_to_a_constant_it_is_the_divergence_of_the_moments(rng):
    """Differences between two models are those of torch's KL, the sample covariance being full."""
    z = rng.normal(size=(5, 40))
    batch = Batch.of(rng.random((5, 2)), z)
    sample = torch.distributions.MultivariateNormal(
        torch.tensor(z.mean(axis=1)), torch.tensor(np.cov(z, bias=True))
    )
    found, expected = [], []
    for _ in range(2):
        root, mean = rng.normal(size=(5, 5)), rng.normal(size=5)
        K, noise = root @ root.T, 0.3
        value, _, _ = divergence(K, noise, batch.target - mean, batch.deviations)
        model = torch.distributions.MultivariateNormal(
            torch.tensor(mean), torch.tensor(K + (noise + 1e-8) * np.eye(5))
        )
        found.append(value)
        expected.append(torch.distributions.kl_divergence(sample, model).item())
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1], rel=1e-9)


def test_a_covariance_that_is_none_has_no_divergence(batch):
    n = len(batch.X)
    assert divergence(-2.0 * np.eye(n), 0.1, batch.target, batch.deviations) is None


def test_the_prior_of_a_network_is_what_the_objective_trains(shape, vector, rng):
    network, X = shape.unpack(vector), rng.random((11, COLUMNS))
    with torch.no_grad():
        mean, K = moments_of(in_torch(shape, vector)[1], X)
    prior = FeatureKernel(network)
    made = prior.embed(X)
    np.testing.assert_allclose(made.mean, mean.numpy(), rtol=1e-9)
    covariance = made.covariance(made) + (prior.noise + 1e-8) * np.eye(11)
    np.testing.assert_allclose(covariance, K.numpy(), atol=1e-7)


def test_training_lowers_the_objective_and_is_repeatable(tasks):
    z = [task.y for task in tasks]
    weights = np.full(COLUMNS, 2.0)
    short, long = (train(tasks, z, weights, seed=1, iterations=n) for n in (2, 30))
    again = train(tasks, z, weights, seed=1, iterations=30)
    batches = [Batch.of(task.X, task.y[:, None]) for task in tasks]
    assert sum(loss(long, b)[0] for b in batches) < sum(loss(short, b)[0] for b in batches) - 1.0
    shape = Shape(COLUMNS)
    np.testing.assert_array_equal(shape.pack(long), shape.pack(again))


def test_matched_tasks_are_trained_as_the_same_tasks_unmatched(tasks, rng):
    """Seen at the same inputs or one by one, tasks are one objective: only the batches differ."""
    X = rng.random((20, COLUMNS))
    z = rng.normal(size=(20, 3))
    network = Shape(COLUMNS).unpack(Shape(COLUMNS).initial(np.ones(COLUMNS), rng))
    together, gradient = loss(network, Batch.of(X, z))
    alone = [loss(network, Batch.of(X, z[:, [task]])) for task in range(3)]
    assert 3.0 * together == pytest.approx(sum(value for value, _ in alone))
    pack = Shape(COLUMNS).pack
    np.testing.assert_allclose(3.0 * pack(gradient), sum(pack(g) for _, g in alone), atol=1e-7)


def test_two_groups_are_too_few_to_learn_features_from(tasks):
    z = [task.y for task in tasks]
    alike = [replace(task, group="g" if index else "h") for index, task in enumerate(tasks)]
    assert train(alike, z, np.ones(COLUMNS), seed=0) is None
    assert train(tasks[:2], z[:2], np.ones(COLUMNS), seed=0) is None
