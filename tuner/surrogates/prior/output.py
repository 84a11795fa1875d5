"""What earlier studies teach about one metric or one stage's time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.surrogates.gp import Hyperparameters, fit
from tuner.surrogates.prior.embedding import Embedder
from tuner.surrogates.prior.emulators import Atlas
from tuner.surrogates.prior.evidence import MOMENTS, NETWORK, NONE, NoTransfer, mixed, weights
from tuner.surrogates.prior.margins import Margin, MarginPrior
from tuner.surrogates.prior.moments import Moments, Residual, equal_groups
from tuner.surrogates.prior.network import FeatureKernel, Network
from tuner.surrogates.prior.posterior import Posterior, factorised, whitened
from tuner.surrogates.prior.tasks import Array
from tuner.surrogates.working_set import apart, choose

MARGIN_POINTS = 64
"""The new task's margin is read from at most so many observations."""

WEIGHED_POINTS = FIT_POINTS = 150
APART = 0.03
"""Rows that differ by less in every input count as one where the margin, the weights and the own
hyper-parameters are found."""
LEAST_OWN = 5
"""With fewer observations the new study cannot stand on its own."""

_CHECKPOINTS = tuple(dict.fromkeys(round(LEAST_OWN * 1.2**step) for step in range(40)))
_KEPT = 32
_WEIGHTLESS = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class OutputPrior:
    """The prior of one output.

    Attributes:
        tasks: Names of the N tasks.
        task_groups: The group of each.
        margins: The margin of each.
        atlas: The tasks as functions.
        residual: What their moments leave open.
        network: Weights of the network and of its kernel; None if it was not trained.
    """

    tasks: tuple[str, ...]
    task_groups: tuple[str, ...]
    margins: tuple[Margin, ...]
    atlas: Atlas
    residual: Residual
    network: Network | None = None
    _fits: OrderedDict[bytes, Hyperparameters] = field(default_factory=OrderedDict, repr=False)

    @cached_property
    def priors(self) -> Mapping[str, Embedder]:
        """The priors that need nothing of the new study, by name."""
        found: dict[str, Embedder] = {
            MOMENTS: Moments(self.atlas, equal_groups(self.task_groups), self.residual)
        }
        if self.network is not None:
            found[NETWORK] = FeatureKernel(self.network)
        return found

    @cached_property
    def margin_prior(self) -> MarginPrior:
        """What the tasks say about the margin of another one."""
        return MarginPrior.of(self.margins)

    def predictor(self, X: Array, y: Array, groups: NDArray[np.intp]) -> PriorPredictor:
        """The mixture of priors, conditioned.

        Args:
            X: Observed inputs, shape (n, p); n may be 0.
            y: Observed values to minimise, shape (n,).
            groups: Lengthscale group of each column, shape (p,).
        """
        margin = self.margin(X, y)
        z = margin.forward(y)
        telling = _spread_out(X, y, WEIGHED_POINTS)
        priors = dict(self.priors)
        fitted = {}
        if len(telling) >= LEAST_OWN:
            own = self._own(X, y, groups)
            priors[NONE] = NoTransfer(own, own.weights(groups))
            fitted[NONE] = len(own.lengthscales) + 1
        weighed = {
            name: Posterior(one, one.embed(X[telling]), z[telling]) for name, one in priors.items()
        }
        shares = weights(weighed, fitted=fitted)
        kept = {
            name: Posterior(one, one.embed(X), z)
            for name, one in priors.items()
            if shares[name] > _WEIGHTLESS
        }
        return PriorPredictor(margin, kept, shares)

    def margin(self, X: Array, y: Array) -> Margin:
        """The new task's margin, from at most `MARGIN_POINTS` observations."""
        if not len(y):
            return self.margin_prior.centre
        rows = _spread_out(X, y, MARGIN_POINTS)
        prior = self.priors[MOMENTS]
        seen = prior.embed(X[rows])
        factor = factorised(seen.covariance(seen), noise=prior.noise)
        return self.margin_prior.infer(
            y[rows], whiten=lambda residual: whitened(factor, residual), mean=seen.mean
        )

    def _own(self, X: Array, y: Array, groups: NDArray[np.intp]) -> Hyperparameters:
        """Fitted on the first rows, as many as the last checkpoint has; kept by content."""
        size = max(each for each in _CHECKPOINTS if each <= len(y))
        X, y = X[:size], y[:size]
        key = X.tobytes() + y.tobytes()
        if key not in self._fits:
            rows = _spread_out(X, y, FIT_POINTS)
            z = self.margin(X, y).forward(y)
            self._fits[key] = fit(X[rows], z[rows], groups)
            while len(self._fits) > _KEPT:
                self._fits.popitem(last=False)
        return self._fits[key]


def _spread_out(X: Array, y: Array, size: int) -> NDArray[np.intp]:
    """At most so many rows that are apart, half of them good ones.

    A search makes many nearly equal trials where it found something. They tell how smooth and how
    noisy the function is there, and would outvote what tells one prior from another.
    """
    rows = choose(X, y, size)
    return rows[apart(X[rows], least=APART)]


@dataclass(frozen=True, eq=False)
class PriorPredictor:
    """A mixture of priors given the new study; a `Predictor` in the units of its values.

    Attributes:
        margin: The new task's.
        posteriors: By name, on the shared scale; those of no weight are left out.
        weights: Of every prior that was weighed.
    """

    margin: Margin
    posteriors: Mapping[str, Posterior]
    weights: Mapping[str, float]

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noiseless function at inputs (n, p), shape (n,) each."""
        predictions = [one.predict(one.embedder.embed(X)) for one in self.posteriors.values()]
        return self.margin.backward(*mixed(predictions, self.shares))

    def draw(self, X: Array, *, z: Array) -> Array:
        """R functions at inputs (n, p), shape (R, n), each from one of the priors.

        The first draws come from the first prior, in proportion to its weight, and so on.

        Args:
            X: Inputs, shape (n, p).
            z: Independent standard normal numbers, shape (R, n).
        """
        ends = np.rint(np.cumsum([0.0, *self.shares]) * len(z)).astype(np.intp)
        parts = [
            one.draw(one.embedder.embed(X), z=z[start:end])
            for one, start, end in zip(self.posteriors.values(), ends, ends[1:], strict=False)
            if end > start
        ]
        return self.margin.drawn(np.concatenate(parts))

    def condition(self, X: Array, y: Array) -> PriorPredictor:
        """With values (m,) at inputs (m, p) added; the margin and the weights stay.

        Values are those of `predict`; an observation is brought there by `margin.transform`.
        """
        z = (y - self.margin.floor) / self.margin.unit
        posteriors = {
            name: one.condition(one.embedder.embed(X), z) for name, one in self.posteriors.items()
        }
        return PriorPredictor(self.margin, posteriors, self.weights)

    @property
    def shares(self) -> list[float]:
        """The weights of `posteriors`, in order, summing to one."""
        kept = [self.weights[name] for name in self.posteriors]
        return [each / sum(kept) for each in kept]
