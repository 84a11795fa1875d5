"""A Gaussian process as what it makes of inputs, so that every prior is conditioned alike.

A prior turns inputs into an embedding; the covariance of two inputs is that of their embeddings:

    k(x, x') = factor(x) . factor(x') + sum_parts amplitude(x) amplitude(x') matern52(|Z - Z'|)

`factor` holds the tasks' deviations from their mean, a part a stationary covariance on inputs that
are divided by lengthscales or on learnt features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tuner.surrogates.kernels import matern52, squared_distances
from tuner.surrogates.prior.tasks import Array


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A stationary part of the covariance.

    Attributes:
        Z: Coordinates times sqrt(5) over the lengthscale, shape (n, q).
        amplitude: Standard deviation of the part, shape (n,).
    """

    Z: Array
    amplitude: Array


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What a prior makes of n inputs.

    Attributes:
        mean: Prior mean, shape (n,).
        factor: Shape (n, r); r may be 0.
        parts: Stationary parts.
    """

    mean: Array
    factor: Array
    parts: tuple[Part, ...]

    @property
    def variance(self) -> Array:
        """Prior variance, shape (n,)."""
        variance = np.einsum("nr,nr->n", self.factor, self.factor)
        for part in self.parts:
            variance += part.amplitude**2
        return np.asarray(variance)

    def covariance(self, other: Embedding) -> Array:
        """Prior covariance with n' other inputs, shape (n, n')."""
        total = self.factor @ other.factor.T
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            k = matern52(squared_distances(mine.Z, theirs.Z))
            k *= mine.amplitude[:, None]
            k *= theirs.amplitude
            total += k
        return total

    def append(self, other: Embedding) -> Embedding:
        """The embedding of these inputs and, after them, of the others."""
        return Embedding(
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.factor, other.factor]),
            tuple(
                Part(
                    np.concatenate([mine.Z, theirs.Z]),
                    np.concatenate([mine.amplitude, theirs.amplitude]),
                )
                for mine, theirs in zip(self.parts, other.parts, strict=True)
            ),
        )


class Embedder(Protocol):
    """A prior over functions on the scale that tasks share."""

    @property
    def noise(self) -> float:
        """Variance of an observation about the function."""

    def embed(self, X: Array) -> Embedding:
        """What it makes of inputs (n, p)."""
