"""How much each prior is worth on the new study: by what it would have predicted.

A prior's evidence is the sum over observations of the log density given all others, less the
number of hyper-parameters that were fitted to those same observations (Akaike's correction). It
judges the next prediction from the data there is, while a marginal likelihood would never forgive
a flexible model its first steps. Each density is mixed with a broad one, so that a single surprise
costs a prior about three nats and not its place. Weights are the evidences' softmax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tuner.surrogates.gp import Hyperparameters
from tuner.surrogates.prior.embedding import Embedding, Part
from tuner.surrogates.prior.posterior import Posterior
from tuner.surrogates.prior.tasks import Array

_SURPRISE = 0.05
"""The share of observations that no prior is blamed for: they are of any size on the shared scale,
normal about `_CENTRE` with the spread `_SPREAD`."""
_CENTRE, _SPREAD = 0.7, 0.7
_LEAST = 1e-12

DOUBT = 0.1
"""The weight that no transfer and the tasks' moments share whatever the evidence, once both are
weighed: where nothing was observed yet, none of it tells a good prior from a misleading one."""

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
    evidence = [_evidence(one) - fitted.get(name, 0) for name, one in posteriors.items()]
    relative = np.exp(np.array(evidence) - max(evidence))
    shares = relative / relative.sum()
    if NONE in posteriors:
        opposed = np.array([name in {MOMENTS, NONE} for name in posteriors], dtype=np.float64)
        shares = (1.0 - DOUBT) * shares + DOUBT * opposed / opposed.sum()
    return dict(zip(posteriors, shares.tolist(), strict=True))


def _evidence(posterior: Posterior) -> float:
    """Sum over observations of the log density given all others, none of them decisive alone."""
    mean, variance = posterior.left_out()
    expected = np.exp(-0.5 * (posterior.z - mean) ** 2 / variance) / np.sqrt(variance)
    anything = np.exp(-0.5 * ((posterior.z - _CENTRE) / _SPREAD) ** 2) / _SPREAD
    return float(np.log((1.0 - _SURPRISE) * expected + _SURPRISE * anything + _LEAST).sum())


def mixed(
    predictions: Sequence[tuple[Array, Array]], shares: Sequence[float]
) -> tuple[Array, Array]:
    """Mean and variance of a mixture, shape (n,) each."""
    mean = sum((w * m for w, (m, _) in zip(shares, predictions, strict=True)), np.zeros(()))
    second = sum(
        (w * (v + m * m) for w, (m, v) in zip(shares, predictions, strict=True)), np.zeros(())
    )
    return np.asarray(mean), np.maximum(np.asarray(second - mean * mean), 1e-12)
