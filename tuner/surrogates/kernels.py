"""The covariance: Matern 5/2 over inputs divided by their lengthscales.

Notation: X (n, p) inputs, A (a, p) and B (b, p) alike; w (p,) the weight of each column;
q = sum_c w_c^2 (a_c - b_c)^2 with w_c = sqrt(5) / lengthscale, so that

    k(q) = (1 + s + q / 3) exp(-s),    s = sqrt(q),    dk/dq = -(1 + s) exp(-s) / 6

(Rasmussen and Williams 2006, equation 4.17, with s = sqrt(5) r / l).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """What a Gaussian process is fitted by, in the units of its targets.

    Attributes:
        lengthscales: One for each group of columns; shape (G,).
        scale: Variance of the function about its mean.
        noise: Variance of an observation about the function.
        mean: Constant mean.
    """

    lengthscales: Array
    scale: float
    noise: float
    mean: float

    def weights(self, groups: NDArray[np.intp]) -> Array:
        """The weight of each column, shape (p,), given its lengthscale group (p,)."""
        return math.sqrt(5.0) / self.lengthscales[groups]


def squared_distances(A: Array, B: Array) -> Array:
    """Squared Euclidean distances of rows, shape (a, b); inputs are weighted already.

    By the expansion |a|^2 - 2 a.b + |b|^2, one matrix product; the rounding error is about 1e-16
    times the squared norms, so inputs should lie about the origin.
    """
    q = A @ B.T
    q *= -2.0
    q += np.einsum("ij,ij->i", A, A)[:, None]
    q += np.einsum("ij,ij->i", B, B)
    return np.maximum(q, 0.0, out=q)


def matern52(q: Array) -> Array:
    """Correlations at squared weighted distances, in place of them."""
    s = np.sqrt(q)
    q /= 3.0
    q += s
    q += 1.0
    q *= np.exp(np.negative(s, out=s), out=s)
    return q


def matern52_with_slope(q: Array) -> tuple[Array, Array]:
    """Correlations, and -6 dk/dq = (1 + s) exp(-s), of the shape of q."""
    s = np.sqrt(q)
    e = np.exp(-s)
    s += 1.0
    k = q / 3.0
    k += s
    k *= e
    s *= e
    return k, s


def gram(
    A: Array, B: Array, *, hyperparameters: Hyperparameters, groups: NDArray[np.intp]
) -> Array:
    """Covariances of the noiseless function between rows of A and of B, shape (a, b).

    Args:
        A: Inputs, shape (a, p).
        B: Inputs, shape (b, p).
        hyperparameters: Lengthscales and scale.
        groups: The lengthscale group of each column, shape (p,).
    """
    weights = hyperparameters.weights(groups)
    k = matern52(squared_distances(A * weights, B * weights))
    k *= hyperparameters.scale
    return k
