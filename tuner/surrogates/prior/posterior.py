"""A prior conditioned on observations of the new task, on the shared scale."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import lapack, solve_triangular

from tuner.errors import SurrogateError
from tuner.surrogates.draws import drawn
from tuner.surrogates.prior.embedding import Embedder, Embedding
from tuner.surrogates.prior.tasks import Array

_LOG_TWO_PI = math.log(2.0 * math.pi)
_JITTER = 1e-8


class Posterior:
    """A Gaussian process given n observations; n may be 0.

    Args:
        embedder: The prior.
        seen: Its embedding of the observed inputs.
        z: Observations on the shared scale, shape (n,).
    """

    def __init__(self, embedder: Embedder, seen: Embedding, z: Array) -> None:
        self.embedder = embedder
        self.seen = seen
        self.z = z
        self._factor = factorised(seen.covariance(seen), noise=embedder.noise)
        self._white = whitened(self._factor, z - seen.mean)

    def predict(self, at: Embedding) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at n' inputs, shape (n',) each."""
        v = whitened(self._factor, self.seen.covariance(at))
        mean = at.mean + self._white @ v
        variance = at.variance - np.einsum("nc,nc->c", v, v)
        return mean, np.maximum(variance, 1e-12)

    def draw(self, at: Embedding, *, z: Array) -> Array:
        """R functions at n' inputs, shape (R, n'), from normal numbers z (R, n')."""
        v = whitened(self._factor, self.seen.covariance(at))
        return drawn(at.mean + self._white @ v, at.covariance(at) - v.T @ v, z)

    def condition(self, more: Embedding, z: Array) -> Posterior:
        """The posterior after more observations."""
        return Posterior(self.embedder, self.seen.append(more), np.concatenate([self.z, z]))

    @property
    def log_marginal_likelihood(self) -> float:
        """Log density of the observations under the prior."""
        log_determinant = 2.0 * float(np.log(np.diagonal(self._factor)).sum())
        return -0.5 * (
            float(self._white @ self._white) + log_determinant + len(self.z) * _LOG_TWO_PI
        )

    def left_out(self) -> tuple[Array, Array]:
        """Mean and variance of each observation given all others (Rasmussen and Williams 5.12)."""
        inverse = whitened(self._factor, np.eye(len(self.z)))
        precision = np.einsum("nm,nm->m", inverse, inverse)
        variance = 1.0 / precision
        return self.z - (self._white @ inverse) * variance, variance


def factorised(covariance: Array, *, noise: float) -> Array:
    """Lower Cholesky factor of covariance + noise I, with jitter where it is needed.

    Raises:
        SurrogateError: The covariance is not positive definite.
    """
    scale = max(float(np.trace(covariance)) / max(len(covariance), 1), 1e-300)
    for jitter in (0.0, _JITTER, 1e-6, 1e-4):
        shifted = covariance.copy()
        shifted.flat[:: len(shifted) + 1] += noise + jitter * scale
        if not len(shifted):
            return shifted
        factor, info = lapack.dpotrf(shifted, lower=1, clean=1)
        if info == 0:
            return np.asarray(factor)
    raise SurrogateError("a prior's covariance is not positive definite")


def whitened(factor: Array, values: Array) -> Array:
    """L^-1 values for values of shape (n,) or (n, c)."""
    if not len(factor):
        return np.zeros_like(values)
    return np.asarray(solve_triangular(factor, values, lower=True, check_finite=False))
