"""What pre-training minimises: the negative log likelihood, also as a divergence of moments.

For one task it is -log N(z; mean, K). Tasks seen at the same inputs enter together: averaged over
them it is, up to a constant, the divergence of N(mean, K) from their sample moments (m, S),

    1/2 [ tr(K^-1 S) + (m - mean)' K^-1 (m - mean) + log |K| ],

the part of the Kullback-Leibler divergence that depends on the model (EKL in Wang et al. 2024, with
the biased covariance S, which may be singular). One task is the case S = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from tuner.surrogates.kernels import matern52_with_slope, squared_distances
from tuner.surrogates.prior.network import Network
from tuner.surrogates.prior.tasks import Array

_ROOT5 = math.sqrt(5.0)
_JITTER = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Tasks at shared inputs; one task is a batch of its own.

    Attributes:
        X: Shape (n, p).
        target: Mean of the tasks' values, shape (n,).
        deviations: Of the N tasks from it over sqrt(N), so that S = D D'; shape (n, N).
        share: Weight of the batch: its number of tasks.
    """

    X: Array
    target: Array
    deviations: Array
    share: float

    @classmethod
    def of(cls, X: Array, z: Array) -> Batch:
        """The batch of N tasks with values z (n, N) at inputs (n, p)."""
        mean = z.mean(axis=1)
        return cls(X, mean, (z - mean[:, None]) / math.sqrt(z.shape[1]), float(z.shape[1]))


def loss(network: Network, batch: Batch) -> tuple[float, Network] | None:
    """Value and gradient of the objective on a batch.

    Returns:
        The value and the derivatives, laid out as the parameters; None if the covariance cannot be
        factorised.
    """
    activations = _forward(network, batch.X)
    phi = activations[-1]
    learnt, learnt_slope = _covariance(_ROOT5 * phi, network.log_amplitude)
    Z = (batch.X - 0.5) * (_ROOT5 * np.exp(-network.log_lengthscales))
    plain, plain_slope = _covariance(Z, network.log_residual)
    noise = math.exp(2.0 * network.log_noise)
    found = divergence(learnt + plain, noise, batch.target - network.mean(phi), batch.deviations)
    if found is None:
        return None
    value, by_covariance, alpha = found
    by_learnt, by_plain = by_covariance * learnt_slope, by_covariance * plain_slope
    # dk/dphi_i = 10 dk/dq (phi_i - phi_j), both orders of each pair
    by_phi = 20.0 * (by_learnt.sum(axis=1)[:, None] * phi - by_learnt @ phi)
    by_phi -= alpha[:, None] * network.readout[:-1]
    by_columns = by_plain.sum(axis=1) @ (Z * Z) - np.einsum("ic,ic->c", Z, by_plain @ Z)
    gradient = Network(
        layers=_backward(network, activations, by_phi),
        readout=-np.append(phi.T @ alpha, alpha.sum()),
        log_amplitude=2.0 * float((by_covariance * learnt).sum()),
        log_residual=2.0 * float((by_covariance * plain).sum()),
        log_lengthscales=-4.0 * by_columns,
        log_noise=2.0 * noise * float(np.trace(by_covariance)),
    )
    return value, gradient


def divergence(
    covariance: Array, noise: float, residual: Array, deviations: Array
) -> tuple[float, Array, Array] | None:
    """The divergence of N(mean, K) from moments, K = covariance + noise I.

    Args:
        covariance: Shape (n, n).
        noise: Variance of an observation.
        residual: Target mean less mean, shape (n,).
        deviations: D with S = D D', shape (n, N).

    Returns:
        The value, its derivative by the covariance (n, n), and K^-1 residual (n,), which is minus
        the derivative by the mean; None if K is not positive definite.
    """
    n = len(residual)
    K = covariance + (noise + _JITTER) * np.eye(n)
    factor, info = lapack.dpotrf(K, lower=1, clean=1)
    if info:
        return None
    inverse, info = lapack.dpotri(factor, lower=1)
    if info:
        return None
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    alpha = inverse @ residual
    solved = inverse @ deviations
    log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
    quadratic = float(residual @ alpha) + float((deviations * solved).sum())
    value = 0.5 * (quadratic + log_determinant + n * math.log(2.0 * math.pi))
    return value, 0.5 * (inverse - np.outer(alpha, alpha) - solved @ solved.T), alpha


def _covariance(Z: Array, log_amplitude: float) -> tuple[Array, Array]:
    """A stationary term (n, n) and its derivative by the squared distance of weighted inputs."""
    q = squared_distances(Z, Z)
    np.fill_diagonal(q, 0.0)
    k, slope = matern52_with_slope(q)
    scale = math.exp(2.0 * log_amplitude)
    return scale * k, (-scale / 6.0) * slope


def _forward(network: Network, X: Array) -> list[Array]:
    """Inputs and the values of each layer."""
    values = [X - 0.5]
    for layer in network.layers:
        values.append(np.tanh(values[-1] @ layer[:, :-1].T + layer[:, -1]))
    return values


def _backward(network: Network, values: list[Array], by_phi: Array) -> tuple[Array, ...]:
    """Derivatives by each layer's weights."""
    found: list[Array] = []
    for layer, below, above in zip(
        network.layers[::-1], values[-2::-1], values[:0:-1], strict=True
    ):
        by_sum = by_phi * (1.0 - above * above)
        found.append(np.column_stack([by_sum.T @ below, by_sum.sum(axis=0)]))
        by_phi = by_sum @ layer[:, :-1]
    return tuple(found[::-1])
