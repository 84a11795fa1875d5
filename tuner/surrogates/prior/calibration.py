"""The residual, learnt from how each group of sources looks to the others.

For each group left out, the moments of the others predict its tasks at a few inputs, half of them
good ones; the residual's four numbers maximise the summed log density plus a weak prior about the
defaults, which decides where there are few tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
from scipy.optimize import minimize

from tuner.errors import SurrogateError
from tuner.surrogates.kernels import matern52, squared_distances
from tuner.surrogates.prior.emulators import Atlas
from tuner.surrogates.prior.moments import Residual, equal_groups, moments
from tuner.surrogates.prior.posterior import factorised, whitened
from tuner.surrogates.prior.tasks import Array, SourceTask
from tuner.surrogates.working_set import choose

POINTS = 32
TASKS = 32
"""At most so many tasks are left out, the ones with most trials."""

EVALUATIONS = 160
LEAST_AMPLITUDE = 0.6
"""How far a new task may lie from a single earlier one; agreement of few proves little."""
_SPREAD = np.array([1.0, 0.7, 1.0, 0.3])
"""Of the logarithms of amplitude, reach, noise and span about the defaults."""


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """A task as the other groups see it, at n inputs.

    Attributes:
        deviation: Values less the others' mean, shape (n,).
        factor: The others' factor, shape (n, N').
        doubt: Their mean variance, shape (n,).
        Z: Weighted inputs, shape (n, p).
    """

    deviation: Array
    factor: Array
    doubt: Array
    Z: Array

    def log_density(self, residual: Residual) -> float:
        """Of the task's values, up to a constant."""
        k = matern52(squared_distances(self.Z, self.Z) / residual.reach**2)
        amplitude = np.sqrt(residual.amplitude**2 + self.doubt)
        k *= amplitude[:, None] * amplitude
        k += residual.span**2 * (self.factor @ self.factor.T)
        factor = factorised(k, noise=residual.noise**2)
        white = whitened(factor, self.deviation)
        return -0.5 * float(white @ white) - float(np.log(np.diagonal(factor)).sum())


def calibrate(tasks: Sequence[SourceTask], z: Sequence[Array], atlas: Atlas) -> Residual:
    """The residual of an atlas, never below `LEAST_AMPLITUDE` over the number of groups.

    Args:
        tasks: The atlas's tasks.
        z: The values of each on the shared scale, shape (n_i,) each.
        atlas: Made of them.
    """
    seen = _left_out(tasks, z, atlas)
    default = np.log(astuple(Residual()))
    least = LEAST_AMPLITUDE / len({task.group for task in tasks})
    if not seen:
        return Residual(amplitude=least)

    def loss(change: Array) -> float:
        residual = _residual(default + _SPREAD * change)
        try:
            return 0.5 * float(change @ change) - sum(each.log_density(residual) for each in seen)
        except SurrogateError:
            return 1e12

    found = minimize(
        loss,
        np.zeros(4),
        method="Nelder-Mead",
        bounds=[(-4.0, 4.0)] * 4,
        options={"maxfev": EVALUATIONS, "xatol": 1e-2, "fatol": 1e-2, "initial_simplex": _SIMPLEX},
    )
    residual = _residual(default + _SPREAD * found.x)
    return replace(residual, amplitude=max(residual.amplitude, least))


_SIMPLEX = np.concatenate([np.zeros((1, 4)), 0.7 * np.eye(4)])


def _left_out(tasks: Sequence[SourceTask], z: Sequence[Array], atlas: Atlas) -> list[LeftOut]:
    names = tuple(task.group for task in tasks)
    read = atlas.reader(np.column_stack([atlas.values, atlas.doubt]))
    seen = []
    for task, values in list(zip(tasks, z, strict=True))[:TASKS]:
        others = np.array([group != task.group for group in names])
        if not others.any():
            continue
        Z = (task.X - 0.5) * atlas.weights
        rows = choose(Z, values, POINTS)
        table = read(task.X[rows])
        shares = equal_groups(tuple(np.array(names)[others]))
        emulated, doubt = table[:, : len(tasks)], np.maximum(table[:, len(tasks) :], 0.0)
        mean, factor, doubts = moments(emulated[:, others], doubt[:, others], shares)
        seen.append(LeftOut(values[rows] - mean, factor, doubts, Z[rows]))
    return seen


def _residual(log_values: Array) -> Residual:
    amplitude, reach, noise, span = np.exp(log_values)
    return Residual(
        amplitude=float(amplitude), reach=float(reach), noise=float(noise), span=float(span)
    )
