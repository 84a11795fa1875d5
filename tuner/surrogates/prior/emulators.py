"""Each source task as a function of the new study's inputs, known at shared anchors.

Matched tasks share their inputs, and their moments can be taken there. Others cannot be compared
point by point, so each task is emulated by a Gaussian process and read at anchors: the inputs of
all tasks, thinned out. Between anchors all tasks are interpolated with one kernel, so that a
proposal costs one matrix product whatever the number of tasks.

Emulation is done twice: where a task was not observed, it should fall back on what the tasks have
in common and not on its own constant, so the second pass models deviations from the first pass's
precision-weighted mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from tuner.surrogates.gp import GaussianProcess, Hyperparameters, fit
from tuner.surrogates.kernels import matern52, squared_distances
from tuner.surrogates.prior.posterior import factorised
from tuner.surrogates.prior.tasks import Array, SourceTask
from tuner.surrogates.working_set import choose

MAX_ANCHORS = 512
MAX_POINTS = 512
FIT_POINTS = 120
FIT_EVALUATIONS = 40
FULL_EFFORT = 24
"""With more tasks each is learned from fewer points, so that all together take bounded time."""


_LEAST_NOISE = 1e-4
_INTERPOLATION_NOISE = 1e-4
_WIDEST = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """N tasks at m anchors, and how to read them anywhere.

    Attributes:
        weights: sqrt(5) over the lengthscale of each column, shape (p,).
        anchors: Inputs, shape (m, p).
        values: The tasks' values on the shared scale, shape (m, N).
        doubt: Variances of the emulators there, shape (m, N).
    """

    weights: Array
    anchors: Array
    values: Array
    doubt: Array

    def reader(self, table: Array) -> Reader:
        """Reads a table of values at the anchors, shape (m, c), at other inputs."""
        return Reader.of(self, table)


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Interpolates columns of values from the anchors.

    Attributes:
        weights: As of the atlas, shape (p,).
        Z: Weighted anchors, shape (m, p).
        constant: What each column falls back on, shape (c,).
        coefficients: Shape (m, c).
    """

    weights: Array
    Z: Array
    constant: Array
    coefficients: Array

    @classmethod
    def of(cls, atlas: Atlas, table: Array) -> Reader:
        """The interpolant of a table of values at the atlas's anchors, shape (m, c)."""
        Z = (atlas.anchors - 0.5) * atlas.weights
        factor = factorised(matern52(squared_distances(Z, Z)), noise=_INTERPOLATION_NOISE)
        constant = table.mean(axis=0)
        coefficients = cho_solve((factor, True), table - constant)
        return cls(atlas.weights, Z, constant, coefficients)

    def __call__(self, X: Array) -> Array:
        """The columns at inputs (n, p), shape (n, c)."""
        k = matern52(squared_distances((X - 0.5) * self.weights, self.Z))
        return np.asarray(self.constant + k @ self.coefficients)


def emulate(tasks: Sequence[SourceTask], z: Sequence[Array], *, groups: NDArray[np.intp]) -> Atlas:
    """The atlas of some tasks.

    Args:
        tasks: At least one.
        z: The values of each task on the shared scale, shape (n_i,) each.
        groups: Lengthscale group of each column, shape (p,).
    """
    share = min(1.0, FULL_EFFORT / len(tasks))
    points, fitted = round(share * MAX_POINTS), round(share * FIT_POINTS)
    kept = [_thinned(task.X, values, points) for task, values in zip(tasks, z, strict=True)]
    fits = [_fit(X, values, groups, points=fitted) for X, values in kept]
    weights = _common_weights(fits, groups)
    anchors = _anchors(kept, weights)
    first = [_emulator(X, v, h, groups) for (X, v), h in zip(kept, fits, strict=True)]
    values, doubt = _read(first, anchors)
    common = _precision_weighted(values, doubt)
    shared = Atlas(weights, anchors, values, doubt).reader(common[:, None])
    deviations = [(X, v - shared(X)[:, 0]) for X, v in kept]
    second = [
        _emulator(X, d, _centred(d, h), groups) for (X, d), h in zip(deviations, fits, strict=True)
    ]
    values, doubt = _read(second, anchors)
    return Atlas(weights, anchors, values + common[:, None], doubt)


def _fit(X: Array, z: Array, groups: NDArray[np.intp], *, points: int) -> Hyperparameters:
    """Hyper-parameters from some of the points; columns that do not vary have no influence."""
    X, z = _thinned(X, z, points)
    found = fit(X, z, groups, max_evaluations=FIT_EVALUATIONS)
    still = np.ptp(X, axis=0) == 0.0
    lengthscales = found.lengthscales.copy()
    for group in np.unique(groups):
        if still[groups == group].all():
            lengthscales[group] = _WIDEST
    noise = max(found.noise, _LEAST_NOISE * found.scale)
    return Hyperparameters(lengthscales, found.scale, noise, found.mean)


def _common_weights(fits: Sequence[Hyperparameters], groups: NDArray[np.intp]) -> Array:
    """Weights of the columns by the geometric mean of the lengthscales of tasks that vary there."""
    logs = np.log([each.lengthscales for each in fits])
    known = logs < np.log(_WIDEST)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(
        known.any(axis=0), np.where(known, logs, 0.0).sum(axis=0) / count, np.log(_WIDEST)
    )
    return np.asarray(np.sqrt(5.0) / np.exp(mean)[groups])


def _anchors(kept: Sequence[tuple[Array, Array]], weights: Array) -> Array:
    """The inputs of all tasks, each once, thinned: half are best for some task, half far apart."""
    X = np.concatenate([X for X, _ in kept])
    z = np.concatenate([values for _, values in kept])
    rows, where = np.unique(X, axis=0, return_inverse=True)
    best = np.full(len(rows), np.inf)
    np.minimum.at(best, where.ravel(), z)
    return np.asarray(rows[choose(rows * weights, best, MAX_ANCHORS)])


def _emulator(
    X: Array, z: Array, hyperparameters: Hyperparameters, groups: NDArray[np.intp]
) -> GaussianProcess:
    return GaussianProcess(X, z, hyperparameters, groups)


def _read(emulators: Sequence[GaussianProcess], anchors: Array) -> tuple[Array, Array]:
    """Means and variances at the anchors, shape (m, N) each."""
    pairs = [emulator.predict(anchors) for emulator in emulators]
    return np.column_stack([mean for mean, _ in pairs]), np.column_stack([v for _, v in pairs])


def _precision_weighted(values: Array, doubt: Array) -> Array:
    """What the tasks have in common at the anchors, shape (m,): the sure ones count more."""
    between = float(values.var(axis=1).mean()) + 1e-6
    precision = 1.0 / (doubt + between)
    return np.asarray((precision * values).sum(axis=1) / precision.sum(axis=1))


def _centred(deviations: Array, hyperparameters: Hyperparameters) -> Hyperparameters:
    scale = max(float((deviations**2).mean()), 1e-8)
    noise = min(hyperparameters.noise, scale)
    return Hyperparameters(hyperparameters.lengthscales, scale, noise, 0.0)


def _thinned(X: Array, z: Array, size: int) -> tuple[Array, Array]:
    rows = choose(X, z, size)
    return X[rows], z[rows]
