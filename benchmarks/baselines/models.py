"""The Gaussian processes of the baselines: the kernel, prior and fit that the engine uses.

Hyper-parameters are fitted as often as the engine fits them, on the first m observations, so that a
proposal depends on the log alone; the posterior always knows every observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.baselines.setting import Array, Seen, Setting
from tuner.searchers.engine.making import APART, checkpoint, fit_apart
from tuner.surrogates import GaussianProcess, Hyperparameters, Inputs, Points
from tuner.surrogates.warping import BadHalf
from tuner.surrogates.working_set import apart

VARIANCE_FLOOR = 1e-12


@dataclass(frozen=True)
class Model:
    """A Gaussian process of one quantity over points.

    Attributes:
        inputs: Which columns it sees.
        process: The posterior.
    """

    inputs: Inputs
    process: GaussianProcess

    def predict(self, points: Points) -> tuple[Array, Array]:
        """Mean and standard deviation of the noiseless quantity, both of shape (n,)."""
        mean, variance = self.process.predict(self.inputs.transform(points))
        return mean, np.sqrt(np.maximum(variance, VARIANCE_FLOOR))


@dataclass(frozen=True)
class Constant:
    """A quantity that no parameter changes."""

    value: float

    def predict(self, points: Points) -> tuple[Array, Array]:
        """The value everywhere, without doubt."""
        return np.full(len(points), self.value), np.zeros(len(points))


def model_of(inputs: Inputs, points: Points, values: Array) -> Model:
    """The model of values, shape (n,), at n points."""
    X = inputs.transform(points)
    fitted = checkpoint(len(X))
    groups = tuple(int(group) for group in inputs.groups)
    hyperparameters = _fit(X[:fitted].tobytes(), values[:fitted].tobytes(), X.shape[1], groups)
    return Model(inputs, GaussianProcess(X, values, hyperparameters, inputs.groups))


def objective_model(seen: Seen, setting: Setting) -> Model:
    """The objective from all parameters, its worse half drawn in as the engine does."""
    inputs, first = _inputs(setting, None), slice(checkpoint(len(seen)))
    rows = apart(inputs.transform(seen.points[first]), least=APART)
    values = BadHalf.of(seen.values[first][rows]).transform(seen.values)
    return model_of(inputs, seen.points, values)


def total_cost_model(seen: Seen, setting: Setting) -> Model:
    """The logarithm of the seconds of all stages together, from all parameters."""
    return model_of(_inputs(setting, None), seen.points, np.log(seen.seconds.sum(axis=1)))


def stage_cost_models(seen: Seen, setting: Setting) -> Sequence[Model | Constant]:
    """The logarithm of each stage's seconds, from the parameters of the stages up to it.

    Distinct prefixes count once: a stage's seconds are known from its first run, however often
    its artifact was used.
    """
    models: list[Model | Constant] = []
    for stage in range(len(setting.stages)):
        columns = setting.before(stage + 1)
        logs = np.log(np.maximum(seen.seconds[:, stage], 1e-6))
        if not len(columns):
            models.append(Constant(float(logs.mean())))
            continue
        names = tuple(setting.space.names[index] for index in sorted(columns))
        _, first = np.unique(seen.points.unit[:, columns], axis=0, return_index=True)
        rows = np.sort(first)
        models.append(model_of(_inputs(setting, names), seen.points[rows], logs[rows]))
    return models


def _inputs(setting: Setting, names: tuple[str, ...] | None) -> Inputs:
    return setting.features.columns(parameters=names, groups=(), fidelity=False)


@lru_cache(maxsize=64)
def _fit(X: bytes, y: bytes, columns: int, groups: tuple[int, ...]) -> Hyperparameters:
    inputs, values = np.frombuffer(X).reshape(-1, columns), np.frombuffer(y)
    return fit_apart(inputs, values, np.array(groups, dtype=np.intp))
