"""How much each prior is worth on the new study: by what it would have predicted.

A prior's evidence is the sum over observations of the log density given all others, less the
number of hyper-parameters that were fitted to those same observations (Akaike's correction). It
judges the next prediction from the data there is, while a marginal likelihood would never forgive
a flexible model its first steps. Weights are the evidences' softmax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tuner.surrogates.gp import Hyperparameters
from tuner.surrogates.prior.embedding import Embedding, Part
from tuner.surrogates.prior.posterior import Posterior
from tuner.surrogates.prior.tasks import Array

MOMENTS, NETWORK, NONE = "moments", "network", "none"


class NoTransfer:
    """The prior that knows the new study only.

    Args:
        hyperparameters: Fitted to it, on the shared scale.
        weights: Of the columns, shape (p,).
    """

    def __init__(self, hyperparameters: Hyperparameters, weights: Array) -> None:
        self._fitted = hyperparameters
        self._weights = weights

    @property
    def noise(self) -> float:
        """Variance of an observation about the function."""
        return self._fitted.noise

    def embed(self, X: Array) -> Embedding:
        """What it makes of inputs (n, p)."""
        amplitude = np.full(len(X), np.sqrt(self._fitted.scale))
        part = Part((X - 0.5) * self._weights, amplitude)
        return Embedding(np.full(len(X), self._fitted.mean), np.empty((len(X), 0)), (part,))


def weights(posteriors: Mapping[str, Posterior], *, fitted: Mapping[str, int]) -> dict[str, float]:
    """The weight of each prior, summing to one.

    Args:
        posteriors: By name; all of the same observations on the same scale.
        fitted: How many hyper-parameters each has fitted to them; 0 where it is not named.
    """
    if len(posteriors) == 1:
        return dict.fromkeys(posteriors, 1.0)
    evidence = [one.left_out_density() - fitted.get(name, 0) for name, one in posteriors.items()]
    relative = np.exp(np.array(evidence) - max(evidence))
    return dict(zip(posteriors, (relative / relative.sum()).tolist(), strict=True))


def mixed(
    predictions: Sequence[tuple[Array, Array]], shares: Sequence[float]
) -> tuple[Array, Array]:
    """Mean and variance of a mixture, shape (n,) each."""
    mean = sum((w * m for w, (m, _) in zip(shares, predictions, strict=True)), np.zeros(()))
    second = sum(
        (w * (v + m * m) for w, (m, v) in zip(shares, predictions, strict=True)), np.zeros(())
    )
    return np.asarray(mean), np.maximum(np.asarray(second - mean * mean), 1e-12)
