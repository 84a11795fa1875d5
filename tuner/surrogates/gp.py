"""Gaussian-process regression with a cached Cholesky factor (Rasmussen and Williams 2006, 2.2).

Notation: X (n, p) training inputs, y (n,) targets, L the lower Cholesky factor of the covariance of
the targets, alpha = K^-1 (y - mean). Predictions are those of the noiseless function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from tuner.errors import SurrogateError
from tuner.surrogates.checks import finite
from tuner.surrogates.fitting import DEFAULT_PRIOR, Prior, fit
from tuner.surrogates.kernels import (
    Array,
    Hyperparameters,
    matern52,
    matern52_with_slope,
    squared_distances,
)

__all__ = ["DEFAULT_PRIOR", "GaussianProcess", "Hyperparameters", "Predictor", "Prior", "fit"]

MeanFunction = Callable[[Array], Array]
"""Prior mean at inputs (n, p), shape (n,); the constant mean is added to it."""

_BLOCK_ENTRIES = 1 << 17
_FIRST_JITTER, _LAST_JITTER = 1e-10, 1e-2
_STEP = 1e-5


class Predictor(Protocol):
    """What acquisition functions need of a model."""

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at inputs (n, p), shape (n,) each."""

    def condition(self, X: Array, y: Array) -> Self:
        """The model with observations (m, p), (m,) added."""


class GaussianProcess:
    """A Gaussian process conditioned on observations.

    Args:
        X: Inputs, shape (n, p), n >= 1.
        y: Targets, shape (n,).
        hyperparameters: In the units of y.
        groups: Lengthscale group of each column, shape (p,).
        mean_function: Prior mean beside the constant one.

    Raises:
        SurrogateError: Inputs are not finite or of the wrong shape, or the covariance cannot be
            factorised.

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
    ) -> None:
        X, y = finite(X, y)
        self._set(X, y, hyperparameters, groups, mean_function)
        covariance = self._covariance(self._Z, self._Z)
        self._factor = _cholesky(covariance, noise=hyperparameters.noise)
        self._solve()

    def __len__(self) -> int:
        return len(self.y)

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at inputs (n, p), shape (n,) each."""
        X = self._inputs(X)
        mean, variance = self._prior_mean(X), np.empty(len(X))
        Z = self._weighted(X)
        for rows in self._blocks(len(X)):
            k = self._covariance(self._Z, Z[rows])
            mean[rows] += self._alpha @ k
            v = blas.dtrsm(1.0, self._factor, k.T, side=1, lower=1, trans_a=1, overwrite_b=1)
            variance[rows] = np.einsum("ij,ij->i", v, v)
        np.subtract(self.hyperparameters.scale, variance, out=variance)
        return mean, np.maximum(variance, 0.0, out=variance)

    def mean(self, X: Array) -> Array:
        """Mean of the function at inputs (n, p), shape (n,); without variances far cheaper."""
        X = self._inputs(X)
        mean, Z = self._prior_mean(X), self._weighted(X)
        for rows in self._blocks(len(X)):
            mean[rows] += self._alpha @ self._covariance(self._Z, Z[rows])
        return mean

    def covariance(self, A: Array, B: Array) -> Array:
        """Posterior covariance of the function between inputs (a, p) and (b, p), shape (a, b)."""
        za, zb = self._weighted(self._inputs(A)), self._weighted(self._inputs(B))
        va, vb = self._whitened(za), self._whitened(zb)
        return self._covariance(za, zb) - va.T @ vb

    def predict_gradient(self, x: Array) -> tuple[Array, Array]:
        """Gradients of mean and variance with respect to the inputs.

        Args:
            x: One input (p,) or several (m, p).

        Returns:
            Two arrays of the shape of x. That of a mean function is taken by central differences.
        """
        X = self._inputs(np.atleast_2d(x))
        weights = self.hyperparameters.weights(self.groups)
        Z = self._weighted(X)
        _, slope = matern52_with_slope(squared_distances(Z, self._Z))
        slope *= -self.hyperparameters.scale / 3.0
        k = self._covariance(self._Z, Z)
        solved, _ = lapack.dpotrs(self._factor, k, lower=1)
        mean = self._towards(slope * self._alpha, Z) * weights + self._mean_gradient(X)
        variance = self._towards(slope * solved.T, Z) * (-2.0 * weights)
        return mean.reshape(np.shape(x)), variance.reshape(np.shape(x))

    def condition(self, X: Array, y: Array) -> GaussianProcess:
        """The process with observations (m, p), (m,) added; rows are appended to the factor."""
        X, y = finite(X, y)
        X = self._inputs(X)
        other = object.__new__(type(self))
        other._set(
            np.concatenate([self.X, X]),
            np.concatenate([self.y, y]),
            self.hyperparameters,
            self.groups,
            self.mean_function,
        )
        other._factor = self._extended(self._weighted(X))
        other._solve()
        return other

    @property
    def log_marginal_likelihood(self) -> float:
        """Log density of the targets under the process."""
        log_determinant = 2.0 * float(np.log(np.diagonal(self._factor)).sum())
        n = len(self)
        return -0.5 * (float(self._residual @ self._alpha) + log_determinant + n * _LOG_TWO_PI)

    def _set(
        self,
        X: Array,
        y: Array,
        hyperparameters: Hyperparameters,
        groups: NDArray[np.intp],
        mean_function: MeanFunction | None,
    ) -> None:
        self.X, self.y = X, y
        self.hyperparameters, self.groups = hyperparameters, groups
        self.mean_function = mean_function
        self._Z = self._weighted(X)

    def _solve(self) -> None:
        self._residual = self.y - self._prior_mean(self.X)
        self._alpha: Array = lapack.dpotrs(self._factor, self._residual, lower=1)[0]

    def _weighted(self, X: Array) -> Array:
        # about the middle of the cube: see squared_distances
        return (X - 0.5) * self.hyperparameters.weights(self.groups)

    def _covariance(self, A: Array, B: Array) -> Array:
        k = matern52(squared_distances(A, B))
        k *= self.hyperparameters.scale
        return k

    def _whitened(self, Z: Array) -> Array:
        k = self._covariance(self._Z, Z)
        return np.asarray(blas.dtrsm(1.0, self._factor, k, lower=1))

    def _prior_mean(self, X: Array) -> Array:
        mean = np.full(len(X), self.hyperparameters.mean)
        if self.mean_function is not None:
            mean += self.mean_function(X)
        return mean

    def _mean_gradient(self, X: Array) -> Array:
        if self.mean_function is None:
            return np.zeros_like(X)
        steps = _STEP * np.eye(X.shape[1])
        sides = [
            np.concatenate([X + step for step in sign * steps]).reshape(-1, X.shape[1])
            for sign in (1.0, -1.0)
        ]
        above, below = (self.mean_function(side).reshape(X.shape[::-1]) for side in sides)
        return np.asarray((above - below).T / (2.0 * _STEP))

    def _towards(self, coefficients: Array, Z: Array) -> Array:
        """sum_i c_mi (z_m - z_i), shape (m, p)."""
        return np.asarray(coefficients.sum(axis=1)[:, None] * Z - coefficients @ self._Z)

    def _extended(self, Z: Array) -> Array:
        n, m = len(self._Z), len(Z)
        corner = self._whitened(Z)
        rest = self._covariance(Z, Z) - corner.T @ corner
        factor = np.zeros((n + m, n + m), order="F")
        factor[:n, :n] = self._factor
        factor[n:, :n] = corner.T
        factor[n:, n:] = _cholesky(rest, noise=self.hyperparameters.noise)
        return factor

    def _blocks(self, count: int) -> Iterator[slice]:
        """Rows a block at a time, so that a block of covariances stays in the cache."""
        size = max(_BLOCK_ENTRIES // len(self), 16)
        return (slice(start, start + size) for start in range(0, count, size))

    def _inputs(self, X: Array) -> Array:
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.X.shape[1]:
            raise SurrogateError(f"expected {self.X.shape[1]} columns, got shape {X.shape}")
        return X


_LOG_TWO_PI = float(np.log(2.0 * np.pi))


def _cholesky(covariance: Array, *, noise: float) -> Array:
    """Lower factor of covariance + noise I, in Fortran order; jitter grows until there is one."""
    diagonal = np.diagonal(covariance) + noise
    scale, jitter = float(diagonal.mean()), 0.0
    while jitter <= _LAST_JITTER:
        covariance.flat[:: len(covariance) + 1] = diagonal + jitter * scale
        factor, info = lapack.dpotrf(covariance, lower=1, clean=1)
        if info == 0:
            return np.asarray(factor)
        jitter = max(10.0 * jitter, _FIRST_JITTER)
    raise SurrogateError("the covariance of the observations cannot be factorised")
