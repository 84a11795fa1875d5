"""How the joint model of a study is made: fits at checkpoints, working sets, earlier studies."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.engine.data import Rows, StudyData
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.models import JointModel, Output, Scale, Unknown
from tuner.surrogates import prior as priors
from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.gp import GaussianProcess, Hyperparameters, fit
from tuner.surrogates.points import Points
from tuner.surrogates.warping import BadHalf, FarTail
from tuner.surrogates.working_set import apart, choose

T = TypeVar("T")

FIT_POINTS = 200
"""Hyper-parameters are fitted on at most so many rows."""

APART = 0.03
"""Rows that differ by less from an earlier one in every input set no scale and no lengthscale."""

WARP_ROWS = 2000
"""The scale of a metric is that of so many rows, the newest: telling rows apart takes n^2."""

CROWD = 5
"""From so many rows left out on they tell of the noise."""

REPLICATES = 0.1 * APART
"""Rows that differ by no more are as good as the same."""

LEAST_NOISE = 1e-6
"""Of the targets' variance."""

LEAST_BASIS = 8
"""Of fewer rows of the basis nothing is learnt."""

WORKING_SET = 600
"""The posterior is conditioned on at most so many rows, and on the newest ones."""

WORKING_SET_STEP = 100
"""The working set is chosen anew each time that so many rows have joined."""

_KEPT = 64


def checkpoint(count: int) -> int:
    """The size at which a model that has `count` rows was last fitted.

    Sizes grow by a tenth up to 64 and by a quarter beyond: a worker that restarts fits on the same
    rows, whenever it does.
    """
    size = min(count, 8)
    while (after := size + max(1, size // 10 if size < 64 else size // 4)) <= count:
        size = after
    return size


def fitted_on(rows: Rows, data: StudyData) -> NDArray[np.intp]:
    """Indices of the rows that scale and hyper-parameters are taken from.

    Those up to the last checkpoint; in a study too long to be told in full those of its basis.
    """
    basis = np.flatnonzero(data.basis[rows.trial]) if data.is_partial else np.arange(0)
    return basis if len(basis) >= LEAST_BASIS else np.arange(checkpoint(len(rows)))


def fit_rows(X: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the rows on which hyper-parameters are fitted, at most `FIT_POINTS`.

    A search that has found something makes many nearly equal trials. All they show is that the
    function is smooth on that scale; left in, they outvote the rest, lengthscales grow, and the
    model is sure of what it has never seen.

    Args:
        X: Inputs, shape (n, p).
        y: Targets to minimise, shape (n,).
    """
    used = choose(X, y, FIT_POINTS) if len(X) > FIT_POINTS else np.arange(len(X))
    return used[apart(X[used], least=APART)]


def fit_apart(
    X: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.intp]
) -> Hyperparameters:
    """Hyper-parameters from `fit_rows`; the others, near to them, tell of the noise.

    Half the mean square difference of two neighbours is the noise and half the square of what the
    function changes in between: a bound, and the noise itself where neighbours hardly differ. Of
    the newest rows left out the half nearest to another is asked.

    Args:
        X: Inputs, shape (n, p).
        y: Targets to minimise, shape (n,).
        groups: Lengthscale group of each column, shape (p,).
    """
    rows = fit_rows(X, y)
    found = fit(X[rows], y[rows], groups)
    recent = max(len(X) - 2 * FIT_POINTS, 0)
    crowd = np.setdiff1d(np.arange(recent, len(X)), rows)[-FIT_POINTS:] - recent
    if len(crowd) < CROWD:
        return found
    X, y = X[recent:], y[recent:]
    distances = np.abs(X[crowd][:, None] - X).max(axis=2)
    distances[np.arange(len(crowd)), crowd] = np.inf
    nearest, gaps = np.argmin(distances, axis=1), np.min(distances, axis=1)
    differences = (y[crowd] - y[nearest])[gaps <= np.median(gaps)]
    noise = max(0.5 * float(np.mean(differences**2)), LEAST_NOISE * found.scale)
    replicates = float(np.median(gaps)) <= REPLICATES
    return replace(found, noise=noise if replicates else min(found.noise, noise))


@dataclass
class ModelFactory:
    """Makes joint models; keeps what was fitted, by what it was fitted on.

    Attributes:
        facts: The study.
        features: Its space and types as inputs.
        prior: What earlier studies taught; None without them.
    """

    facts: Facts
    features: FeatureMap
    prior: priors.Prior | None = None
    _fitted: OrderedDict[str, Hyperparameters] = field(default_factory=OrderedDict)
    _sets: OrderedDict[str, NDArray[np.intp]] = field(default_factory=OrderedDict)
    _warps: OrderedDict[str, Scale] = field(default_factory=OrderedDict)

    def build(self, data: StudyData) -> JointModel:
        """The model of what was observed so far, without the open trials.

        Args:
            data: What was observed. A metric of which nothing is known is 0 everywhere, and a stage
                takes a second, so that they do not matter.
        """
        metrics = tuple(
            self._metric(index, data.metrics[index], data) for index in range(len(data.metrics))
        )
        times = tuple(
            self._time(index, data.times[index], data) for index in range(len(data.times))
        )
        return JointModel(metrics, times)

    def _metric(self, index: int, rows: Rows, data: StudyData) -> Output:
        inputs = self.features.columns(fidelity=self.facts.at_rungs[index])
        known = self._known(self.facts.metrics[index], rows, rows.value, data)
        if known is not None:
            return known
        if not len(rows):
            return Output(inputs, Unknown(), None)
        kind = BadHalf if len(self.facts.objectives) == 1 else FarTail
        first = rows.at(fitted_on(rows, data))

        def made() -> Scale:
            newest = np.arange(max(len(first) - WARP_ROWS, 0), len(first))
            X = inputs.transform(_at(data, first, newest))
            return kind.of(first.value[newest[apart(X, least=APART)]])

        warp = _kept(self._warps, _fit_digest(f"warp {index}", first, first.value, data), made)
        values = warp.transform(rows.value)
        return self._output(f"metric {index}", inputs, rows, values, data, warp)

    def _time(self, index: int, rows: Rows, data: StudyData) -> Output:
        """Time is proportional to fidelity, to begin with: the model learns what is left."""
        stage = self.facts.stages[index]
        inputs = self.features.columns(
            parameters=stage.parameters, groups=(stage.group,), fidelity=stage.fidelity
        )
        values = rows.value - np.log(rows.fidelity)
        known = (
            self._known(priors.stage_seconds(stage.name), rows, values, data)
            if self.prior
            else None
        )
        if known is not None:
            return known
        if not len(rows):
            return Output(inputs, Unknown(), None)
        return self._output(f"time {index}", inputs, rows, values, data, None)

    def _known(
        self, name: str, rows: Rows, values: NDArray[np.float64], data: StudyData
    ) -> Output | None:
        """The model of an output that earlier studies tell of."""
        if self.prior is None:
            return None
        inputs = self.prior.inputs(
            self.features, fidelity=any(one.fidelity for one in self.facts.stages)
        )
        used = self._working_set(name, inputs, rows, values, data, np.ones(len(inputs.groups)))
        X = inputs.transform(_at(data, rows, used))
        predictor = self.prior.predictor(name, X, values[used])
        if predictor is None:
            return None
        return Output(inputs, predictor, predictor.margin, predictor.weights)

    def _output(
        self,
        name: str,
        inputs: Inputs,
        rows: Rows,
        values: NDArray[np.float64],
        data: StudyData,
        warp: Scale | None,
    ) -> Output:
        which = fitted_on(rows, data)
        first, y = rows.at(which), values[which]
        hyperparameters = _kept(
            self._fitted,
            _fit_digest(name, first, y, data),
            lambda: self._fit(inputs, first, y, data),
        )
        weights = hyperparameters.weights(inputs.groups)
        used = self._working_set(name, inputs, rows, values, data, weights)
        predictor = GaussianProcess(
            inputs.transform(_at(data, rows, used)), values[used], hyperparameters, inputs.groups
        )
        return Output(inputs, predictor, warp)

    def _fit(
        self, inputs: Inputs, rows: Rows, y: NDArray[np.float64], data: StudyData
    ) -> Hyperparameters:
        X = inputs.transform(_at(data, rows, np.arange(len(rows))))
        return fit_apart(X, y, inputs.groups)

    def _working_set(
        self,
        name: str,
        inputs: Inputs,
        rows: Rows,
        y: NDArray[np.float64],
        data: StudyData,
        weights: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        if len(rows) <= WORKING_SET:
            return np.arange(len(rows))
        size = len(rows) // WORKING_SET_STEP * WORKING_SET_STEP
        first = rows.first(size)
        chosen = _kept(
            self._sets,
            _digest(name, first, y[:size]),
            lambda: choose(
                inputs.transform(_at(data, first, np.arange(size))) * weights,
                y[:size],
                WORKING_SET,
            ),
        )
        return np.concatenate([chosen, np.arange(size, len(rows))])


def _at(data: StudyData, rows: Rows, used: NDArray[np.intp]) -> Points:
    points = data.points[rows.trial[used]]
    return Points(points.unit, points.active, points.types, rows.fidelity[used])


def _digest(name: str, rows: Rows, values: NDArray[np.float64]) -> str:
    digest = hashlib.sha256(name.encode())
    for array in (rows.trial, rows.fidelity, values):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _fit_digest(name: str, rows: Rows, values: NDArray[np.float64], data: StudyData) -> str:
    """Tells fits apart; places in a history that leaves trials out are not the trials' own."""
    if data.is_partial:
        rows = Rows(np.zeros_like(rows.trial), rows.fidelity, rows.value)
    return _digest(name, rows, values)


def _kept(known: OrderedDict[str, T], key: str, make: Callable[[], T]) -> T:
    if key in known:
        known.move_to_end(key)
        return known[key]
    made = make()
    known[key] = made
    while len(known) > _KEPT:
        known.popitem(last=False)
    return made
