"""The mean of a Gaussian process with given hyper-parameters: smooth, fast, deterministic.

Only what a replay needs; `benchmarks.problems.fit` finds the hyper-parameters. X is (n, d) in unit
coordinates, Y is (n, m): m targets that share inputs and hyper-parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """Matern 5/2 with a length for each coordinate, and noise as a share of the signal.

    Attributes:
        lengths: (d,).
        noise: Variance of the noise over that of the signal.
    """

    lengths: Array
    noise: float

    def __call__(self, A: Array, B: Array) -> Array:
        """Correlations (a, b)."""
        A, B = A / self.lengths, B / self.lengths
        squares = np.sum(A**2, 1)[:, None] + np.sum(B**2, 1) - 2 * A @ B.T
        r = np.sqrt(5 * np.maximum(squares, 0.0))
        return (1 + r + r**2 / 3) * np.exp(-r)


@dataclass(frozen=True)
class Surface:
    """A posterior mean around the targets' means.

    Attributes:
        kernel: With its hyper-parameters.
        X: Inputs (n, d), no two alike.
        Y: Targets (n, m).
    """

    kernel: Kernel
    X: Array
    Y: Array

    @cached_property
    def _weights(self) -> Array:
        gram = self.kernel(self.X, self.X) + self.kernel.noise * np.eye(len(self.X))
        weights: Array = cho_solve(cho_factor(gram, lower=True), self.Y - self.Y.mean(0))
        return weights

    def __call__(self, x: Array) -> Array:
        """Means (m,) at a point (d,), or (c, m) at points (c, d)."""
        means: Array = self.kernel(np.atleast_2d(x), self.X) @ self._weights + self.Y.mean(0)
        return means[0] if x.ndim == 1 else means

    def r2(self, *, groups: NDArray[np.int64]) -> float:
        """Cross-validated share of the variance explained, all targets together.

        The hyper-parameters are those of all points.

        Args:
            groups: Fold of each point (n,).
        """
        predicted = np.empty_like(self.Y)
        for fold in np.unique(groups):
            out = groups == fold
            predicted[out] = Surface(self.kernel, self.X[~out], self.Y[~out])(self.X[out])
        residual = np.sum((self.Y - predicted) ** 2)
        return float(1 - residual / np.sum((self.Y - self.Y.mean(0)) ** 2))
