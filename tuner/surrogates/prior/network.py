"""HyperBO's pre-trained process: mean and kernel share learnt features (Wang et al. 2024).

    phi(x) = tanh layers of x,    mean(x) = v . phi(x) + b
    k(x, x') = a^2 matern52(|phi - phi'|) + c^2 matern52(|x - x'| / l) + s^2 [x = x']

The second term, a stationary residual on the inputs themselves, is ours: features learnt from few
tasks map inputs together that a new task tells apart.

Shapes: X (n, p), hidden widths h_1 ... h_L, phi (n, h_L).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuner.surrogates.prior.embedding import Embedding, Part
from tuner.surrogates.prior.tasks import Array

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Network:
    """The network's parameters and those of its process.

    Attributes:
        layers: Weights (h, fan-in + 1) of each layer, the bias last.
        readout: Shape (h_L + 1,), the constant last.
        log_amplitude: Of the feature kernel.
        log_residual: Of the stationary residual.
        log_lengthscales: Of the columns, shape (p,).
        log_noise: Standard deviation of an observation.
    """

    layers: tuple[Array, ...]
    readout: Array
    log_amplitude: float
    log_residual: float
    log_lengthscales: Array
    log_noise: float

    def features(self, X: Array) -> Array:
        """The features at inputs (n, p), shape (n, h_L)."""
        h = X - 0.5
        for layer in self.layers:
            h = np.tanh(h @ layer[:, :-1].T + layer[:, -1])
        return np.asarray(h)

    def mean(self, phi: Array) -> Array:
        """The mean at features (n, h_L), shape (n,)."""
        return np.asarray(phi @ self.readout[:-1] + self.readout[-1])


class FeatureKernel:
    """The prior that a network stands for.

    Args:
        network: Trained.
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def noise(self) -> float:
        """Variance of an observation about the function."""
        return math.exp(2.0 * self.network.log_noise)

    def embed(self, X: Array) -> Embedding:
        """What it makes of inputs (n, p)."""
        net = self.network
        phi = net.features(X)
        ones = np.ones(len(X))
        learnt = Part(_ROOT5 * phi, math.exp(net.log_amplitude) * ones)
        Z = (X - 0.5) * (_ROOT5 * np.exp(-net.log_lengthscales))
        plain = Part(Z, math.exp(net.log_residual) * ones)
        return Embedding(net.mean(phi), np.empty((len(X), 0)), (learnt, plain))
