"""Gaussian-process regression with a cached inverse factor (Rasmussen and Williams 2006, 2.2).

Notation: X (n, p) training inputs, y (n,) targets, Z (n, p) inputs divided by lengthscales, W the
inverse Cholesky factor of the targets' covariance K, alpha = K^-1 (y - mean). Predictions are those
of the noiseless function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError
from tuner.surrogates.checks import finite
from tuner.surrogates.draws import drawn
from tuner.surrogates.factor import InverseFactor
from tuner.surrogates.fitting import DEFAULT_PRIOR, Prior, fit
from tuner.surrogates.kernels import (
    Array,
    Hyperparameters,
    matern52,
    squared_distances,
)

__all__ = ["DEFAULT_PRIOR", "GaussianProcess", "Hyperparameters", "Predictor", "Prior", "fit"]

MeanFunction = Callable[[Array], Array]
"""Prior mean at inputs (n, p), shape (n,); the constant mean is added to it."""

_BLOCK_ENTRIES = 1 << 18


class Predictor(Protocol):
    """What acquisition functions need of a model."""

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at inputs (n, p), shape (n,) each."""

    def condition(self, X: Array, y: Array) -> Self:
        """The model with observations (m, p), (m,) added."""

    def draw(self, X: Array, *, z: Array) -> Array:
        """R functions at inputs (n, p), shape (R, n): each is one function at all inputs.

        Args:
            X: Inputs, shape (n, p).
            z: Independent standard normal numbers, shape (R, n).
        """


class GaussianProcess:
    """A Gaussian process conditioned on observations.

    Attributes:
        X: Inputs, shape (n, p).
        y: Targets, shape (n,).
        hyperparameters: In the units of y.
        groups: Lengthscale group of each column, shape (p,).
        mean_function: Prior mean beside the constant one.

    Example:
        >>> hyperparameters = fit(X, y, groups)                      # doctest: +SKIP
        >>> model = GaussianProcess(X, y, hyperparameters, groups)   # doctest: +SKIP
        >>> mean, variance = model.predict(candidates)               # doctest: +SKIP
    """

    def __init__(
        self,
        X: Array,
        y: Array,
        hyperparameters: Hyperparameters,
        groups: NDArray[np.intp],
        *,
        mean_function: MeanFunction | None = None,
        _factor: InverseFactor | None = None,
    ) -> None:
        """Conditions on observations.

        Raises:
            SurrogateError: Inputs are not finite or of the wrong shape, n is 0, or the covariance
                cannot be factorised.
        """
        self.X, self.y = finite(X, y)
        self.hyperparameters, self.groups = hyperparameters, groups
        self.mean_function = mean_function
        self._Z = self._weighted(self._columns(self.X))
        self._factor = _factor or InverseFactor.of(
            self._covariance(self._Z, self._Z), noise=hyperparameters.noise
        )
        self._residual = self.y - self._prior_mean(self.X)
        self._alpha = self._factor.solve(self._residual)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def log_marginal_likelihood(self) -> float:
        """Log density of the targets under the process."""
        fit_term = float(self._residual @ self._alpha)
        constant = len(self) * math.log(2.0 * math.pi)
        return -0.5 * (fit_term + self._factor.log_determinant + constant)

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at inputs (n, p), shape (n,) each."""
        X = self._columns(X)
        mean, variance = self._prior_mean(X), np.empty(len(X))
        Z = self._weighted(X)
        for rows in self._blocks(len(X)):
            k = self._covariance(Z[rows], self._Z)
            mean[rows] += k @ self._alpha
            whitened = self._factor.whiten(k.T).T
            variance[rows] = np.einsum("ij,ij->i", whitened, whitened)
        np.subtract(self.hyperparameters.scale, variance, out=variance)
        return mean, np.maximum(variance, 0.0, out=variance)

    def mean(self, X: Array) -> Array:
        """Mean of the function at inputs (n, p), shape (n,); a third of the time of `predict`."""
        X = self._columns(X)
        mean, Z = self._prior_mean(X), self._weighted(X)
        for rows in self._blocks(len(X)):
            mean[rows] += self._covariance(Z[rows], self._Z) @ self._alpha
        return mean

    def covariance(self, A: Array, B: Array) -> Array:
        """Posterior covariance of the function between inputs (a, p) and (b, p), shape (a, b)."""
        za, zb = self._weighted(self._columns(A)), self._weighted(self._columns(B))
        va = self._factor.whiten(self._covariance(za, self._Z).T)
        vb = self._factor.whiten(self._covariance(zb, self._Z).T)
        return np.asarray(self._covariance(za, zb) - va.T @ vb)

    def draw(self, X: Array, *, z: Array) -> Array:
        """R functions at inputs (n, p), shape (R, n), from normal numbers z (R, n)."""
        return drawn(self.mean(X), self.covariance(X, X), z)

    def condition(self, X: Array, y: Array) -> GaussianProcess:
        """The process with observations (m, p), (m,) added, in O(n^2 m)."""
        X, y = finite(X, y)
        Z = self._weighted(self._columns(X))
        return GaussianProcess(
            np.concatenate([self.X, X]),
            np.concatenate([self.y, y]),
            self.hyperparameters,
            self.groups,
            mean_function=self.mean_function,
            _factor=self._factor.extend(
                self._covariance(self._Z, Z),
                self._covariance(Z, Z),
                noise=self.hyperparameters.noise,
            ),
        )

    def _weighted(self, X: Array) -> Array:
        # about the middle of the cube: see squared_distances
        return (X - 0.5) * self.hyperparameters.weights(self.groups)

    def _covariance(self, A: Array, B: Array) -> Array:
        k = matern52(squared_distances(A, B))
        k *= self.hyperparameters.scale
        return k

    def _prior_mean(self, X: Array) -> Array:
        mean = np.full(len(X), self.hyperparameters.mean)
        if self.mean_function is not None:
            mean += self.mean_function(X)
        return mean

    def _blocks(self, count: int) -> Iterator[slice]:
        """Rows a block at a time, so that a block of covariances stays in the cache."""
        size = max(_BLOCK_ENTRIES // len(self), 16)
        return (slice(start, start + size) for start in range(0, count, size))

    def _columns(self, X: Array) -> Array:
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != len(self.groups):
            raise SurrogateError(f"expected {len(self.groups)} columns, got shape {X.shape}")
        return X
