"""One joint model of a study: its metrics and the log-times of its stages.

Dollars, runtime and spend have no models of their own: they follow from the stage times and the
prices, so that what is predicted of them agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.surrogates.features import Inputs
from tuner.surrogates.gp import Predictor
from tuner.surrogates.points import Points

PENDING = 64
"""At most so many open trials enter as fantasies, the newest ones."""

_VARIANCE_FLOOR = 1e-12


class Scale(Protocol):
    """Between values as they are reported and as a model speaks of them; rising."""

    def transform(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reported values in the model's terms, same shape."""

    def inverse(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """The model's in terms of reports, same shape."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Marginal normal predictions at C points, at full fidelity.

    Attributes:
        metric_mean: Warped sign * value, shape (q, C).
        metric_sd: Shape (q, C).
        time_mean: Natural log of seconds, shape (K, C).
        time_sd: Shape (K, C).
    """

    metric_mean: NDArray[np.float64]
    metric_sd: NDArray[np.float64]
    time_mean: NDArray[np.float64]
    time_sd: NDArray[np.float64]

    def __getitem__(self, index: NDArray[np.intp]) -> Prediction:
        return Prediction(
            self.metric_mean[:, index],
            self.metric_sd[:, index],
            self.time_mean[:, index],
            self.time_sd[:, index],
        )


@dataclass(frozen=True, slots=True)
class Output:
    """The model of one metric or of one stage's log-time.

    Attributes:
        inputs: What it depends on.
        predictor: On warped values.
        warp: Bounds the influence of very bad values; None for times.
        weights: How much each part of a prior counts; empty without one.
    """

    inputs: Inputs
    predictor: Predictor
    warp: Scale | None
    weights: Mapping[str, float] = field(default_factory=dict)

    def predict(self, points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation in warped units, shapes (C,) and (C,)."""
        mean, variance = self.predictor.predict(self.inputs.transform(points))
        return mean, np.sqrt(np.maximum(variance, _VARIANCE_FLOOR))

    def draw(self, points: Points, *, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """R functions at C points in warped units, shape (R, C), from normal numbers z (R, C)."""
        return self.predictor.draw(self.inputs.transform(points), z=z)

    def with_fantasies(self, points: Points) -> Output:
        """As if these points had shown their mean: their uncertainty goes, the mean stays."""
        if not len(points):
            return self
        X = self.inputs.transform(points)
        mean, _ = self.predictor.predict(X)
        return replace(self, predictor=self.predictor.condition(X, mean))


@dataclass(frozen=True, slots=True)
class Unknown:
    """The predictor of an output that nobody has told anything of: zero, without doubt."""

    def predict(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Zeros, shapes (n,) and (n,)."""
        return np.zeros(len(X)), np.zeros(len(X))

    def draw(self, X: NDArray[np.float64], *, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Zeros, shape (R, n)."""
        return np.zeros((len(z), len(X)))

    def condition(self, X: NDArray[np.float64], y: NDArray[np.float64]) -> Unknown:
        """Itself."""
        return self


@dataclass(frozen=True, slots=True)
class JointModel:
    """All outputs of a study.

    Attributes:
        metrics: In the order of `Facts.metrics`.
        times: In the order of the stages; values are log seconds of the whole stage.
    """

    metrics: tuple[Output, ...]
    times: tuple[Output, ...]

    def predict(self, points: Points) -> Prediction:
        """Predictions at C points; their fidelity is that of the points."""
        metrics = [one.predict(points) for one in self.metrics]
        times = [one.predict(points) for one in self.times]
        empty = np.zeros((0, len(points)))
        return Prediction(
            np.array([mean for mean, _ in metrics]) if metrics else empty,
            np.array([sd for _, sd in metrics]) if metrics else empty,
            np.array([mean for mean, _ in times]),
            np.array([sd for _, sd in times]),
        )

    def with_fantasies(self, points: Points) -> JointModel:
        """As if these points had been observed at their means."""
        return JointModel(
            tuple(one.with_fantasies(points) for one in self.metrics),
            tuple(one.with_fantasies(points) for one in self.times),
        )
