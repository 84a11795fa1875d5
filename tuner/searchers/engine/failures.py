"""How likely a configuration fails on its instance types: out of memory, or a stage that exits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tuner.searchers.engine.data import StudyData
from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.gp import GaussianProcess, Hyperparameters
from tuner.surrogates.points import Points

MOST = 0.99
"""No configuration is ruled out for good."""

_NEWEST = 400
_LENGTHSCALE = 0.3
_NOISE = 0.05
_BASE = -1.0


@dataclass(frozen=True, slots=True)
class FailureModel:
    """A Gaussian process over -1 (worked) and +1 (failed), squashed by the normal distribution.

    Its prior says that a configuration works; lengthscales are fixed, for failures are few.

    Attributes:
        inputs: What failing depends on.
        process: None while nothing has failed.
    """

    inputs: Inputs
    process: GaussianProcess | None

    @classmethod
    def of(cls, data: StudyData, features: FeatureMap) -> FailureModel:
        """From the trials that failed by their own doing and those that did not."""
        inputs = features.columns(fidelity=False)
        worked = data.fidelity > 0.0
        if not bool(np.any(data.failed)):
            return cls(inputs, None)
        rows = np.flatnonzero(data.failed | worked)[-_NEWEST:]
        groups = int(inputs.groups.max(initial=-1)) + 1
        hyperparameters = Hyperparameters(
            lengthscales=np.full(groups, _LENGTHSCALE * np.sqrt(max(1, groups))),
            scale=1.0,
            noise=_NOISE,
            mean=_BASE,
        )
        y = np.where(data.failed[rows], 1.0, -1.0)
        X = inputs.transform(data.points[rows])
        return cls(inputs, GaussianProcess(X, y, hyperparameters, inputs.groups))

    def probability(self, points: Points) -> NDArray[np.float64]:
        """Of failing, shape (C,), at most `MOST`."""
        if self.process is None:
            return np.zeros(len(points))
        mean, variance = self.process.predict(self.inputs.transform(points))
        latent = mean / np.sqrt(variance + _NOISE)
        return np.asarray(np.minimum(ndtr(latent), MOST), dtype=np.float64)
