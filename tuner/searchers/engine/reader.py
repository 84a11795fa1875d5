"""Reads a history into arrays; keeps what ended trials have shown, so that it is read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, log, nan

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SpaceError
from tuner.searchers._protocol import History
from tuner.searchers.engine.data import Rows, StudyData
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.ordering import order_of, rows_of
from tuner.searchers.engine.reworking import reported_by
from tuner.searchers.joint import JointSpace
from tuner.space.batch import snap
from tuner.surrogates.points import Points
from tuner.trial import Observation, StageOutcome, StageResult, Trial

SHORTEST_SECONDS = 1e-3
"""Below it a stage's time is not told from zero."""

HUGE = 1e100
"""Beyond it values are taken to be this: squares of them must be numbers."""

RECENT = 15
"""The median of so many restores of a stage is what the next one takes: stores get busier."""

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one trial has shown; that of an ended trial never changes."""

    metrics: tuple[tuple[int, float, float], ...]
    times: tuple[tuple[int, float, float], ...]
    objectives: tuple[float, ...]
    paid: float
    restores: tuple[tuple[int, float], ...]
    stored: int
    fidelity: float
    full: bool


@dataclass
class Reader:
    """Reads histories; keeps what ended trials have shown, so that a long log is read once.

    Attributes:
        facts: The study.
        joint: Its space.
    """

    facts: Facts
    joint: JointSpace
    _units: dict[str, tuple[NDArray[np.float64], NDArray[np.intp]] | None] = field(
        default_factory=dict
    )
    _told: dict[str, _Told] = field(default_factory=dict)
    _reworked: set[str] = field(default_factory=set)

    def read(self, history: History) -> StudyData:
        """The history as arrays. Trials on instance types that are gone are left out."""
        self._let_go(history)
        self._find_reworked(history)
        placed = [
            (trial, place) for trial in history.trials if (place := self._place(trial)) is not None
        ]
        told = self._tell(history, [trial for trial, _ in placed])
        points = self.points([place for _, place in placed])
        names = tuple(trial.name for trial, _ in placed)
        order = order_of(history, names)
        return StudyData(
            names=names,
            points=points,
            metrics=rows_of([one.metrics for one in told], order, models=len(self.facts.metrics)),
            times=self._time_rows([one.times for one in told], order),
            full=np.array([one.full for one in told], dtype=bool),
            is_open=np.array([name in history.open_trials for name in names], dtype=bool),
            waits=np.array([name in history.paused for name in names], dtype=bool),
            failed=np.array([history.failed.get(name) in OWN_DOING for name in names], dtype=bool),
            stored=np.array([one.stored for one in told], dtype=np.intp),
            restore_seconds=self._restores([told[trial] for trial in order.tolist()]),
            fidelity=np.array([one.fidelity for one in told], dtype=np.float64),
            objectives=np.array([one.objectives for one in told], dtype=np.float64).reshape(
                len(told), len(self.facts.objectives)
            ),
            paid=np.array([one.paid for one in told], dtype=np.float64),
            basis=np.array([name in history.basis for name in names if history.basis], dtype=bool),
        )

    def points(self, places: Sequence[tuple[NDArray[np.float64], NDArray[np.intp]]]) -> Points:
        """Encoded configurations as points at full fidelity."""
        count = len(places)
        unit = np.array([unit for unit, _ in places]).reshape(count, len(self.joint.space))
        types = np.array([types for _, types in places], dtype=np.intp)
        snapped = snap(self.joint.space, unit)
        return Points(
            unit=snapped.unit,
            active=snapped.active,
            types=types.reshape(count, len(self.joint.choices.groups)),
            fidelity=np.ones(count),
        )

    def place(
        self, parameters: Mapping[str, object], instance_types: Mapping[str, str]
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]] | None:
        """Where a configuration lies; None if the space or the types no longer have it."""
        try:
            unit = self.joint.space.encode(self.joint.space.cast(parameters))
            types = [
                group.types.index(instance_types[group.stages[0]])
                for group in self.joint.choices.groups
            ]
        except (SpaceError, KeyError, ValueError):
            return None
        return unit, np.array(types, dtype=np.intp)

    def _place(self, trial: Trial) -> tuple[NDArray[np.float64], NDArray[np.intp]] | None:
        if trial.name not in self._units:
            self._units[trial.name] = self.place(trial.parameters, trial.instance_types)
        return self._units[trial.name]

    def _let_go(self, history: History) -> None:
        """What was read of trials that histories no longer tell of is dropped now and then."""
        if len(self._units) <= 2 * len(history.trials) + 1000:
            return
        names = {trial.name for trial in history.trials}
        self._units = {name: one for name, one in self._units.items() if name in names}
        self._told = {name: one for name, one in self._told.items() if name in names}

    def _find_reworked(self, history: History) -> None:
        """Metrics that stages after the fidelity stage report anew: rungs show others."""
        found = {
            metric
            for name, results in history.stages.items()
            if name not in self._told
            for metric in reported_by(results, stages=self.facts.after_training)
        }
        new = found - self.facts.of_training - self._reworked
        if new:
            self._reworked |= new
            self._told.clear()

    def _tell(self, history: History, trials: Sequence[Trial]) -> list[_Told]:
        curves: dict[str, list[Observation]] = {}
        for observation in history.observations:
            if observation.trial not in self._told:
                curves.setdefault(observation.trial, []).append(observation)
        told = []
        for trial in trials:
            known = self._told.get(trial.name)
            if known is None:
                known = self._read(curves.get(trial.name, ()), history.stages.get(trial.name, ()))
                if trial.name not in history.open_trials:
                    self._told[trial.name] = known
            told.append(known)
        return told

    def _read(self, curve: Sequence[Observation], stages: Sequence[StageResult]) -> _Told:
        full = any(one.full for one in curve)
        reached = max((one.fidelity for one in curve), default=0.0) / self.facts.max_fidelity
        results = {one.stage: one for one in stages}
        return _Told(
            metrics=tuple(self._metrics(curve)),
            times=tuple(self._times(results, reached)),
            objectives=self._objectives(curve),
            paid=sum(one.cost_usd if self.facts.in_dollars else one.seconds for one in stages),
            restores=tuple(
                (index, result.seconds)
                for index, stage in enumerate(self.facts.stages)
                if (result := results.get(stage.name)) is not None
                and result.outcome is StageOutcome.CACHED
                # Nothing was restored for a trial of which everything was in the cache.
                and result.seconds > 0.0
            ),
            stored=self._stored(results),
            fidelity=1.0 if full else reached,
            full=full,
        )

    def _metrics(self, curve: Sequence[Observation]) -> list[tuple[int, float, float]]:
        """Values at rungs and at the highest fidelity: the points in between say little more."""
        highest = max((one.fidelity for one in curve), default=0.0)
        rows = []
        for one in curve:
            fraction = 1.0 if one.full else one.fidelity / self.facts.max_fidelity
            at_rung = any(abs(fraction - rung) <= _TOLERANCE for rung in self.facts.rungs)
            if not (one.full or one.fidelity == highest or at_rung):
                continue
            for index, (metric, sign) in enumerate(
                zip(self.facts.metrics, self.facts.signs, strict=True)
            ):
                value = one.metrics.get(metric)
                if metric in self._reworked and not one.full:
                    continue
                if value is not None and isfinite(value):
                    rows.append((index, fraction, _bounded(sign * value)))
        return rows

    def _times(
        self, results: Mapping[str, StageResult], reached: float
    ) -> list[tuple[int, float, float]]:
        """First runs only: a hit says what restoring took, not what the stage takes."""
        rows = []
        for index, stage in enumerate(self.facts.stages):
            result = results.get(stage.name)
            if result is None or result.first_run_seconds <= 0.0:
                continue
            seconds = log(max(SHORTEST_SECONDS, result.first_run_seconds))
            match result.outcome:
                case StageOutcome.RUN:
                    rows.append((index, 1.0, seconds))
                case StageOutcome.STOPPED if stage.fidelity and reached > 0.0:
                    rows.append((index, reached, seconds))
                case StageOutcome.CACHED if not result.predicted:
                    rows.append((len(self.facts.stages) + index, 1.0, seconds))
        return rows

    def _time_rows(
        self, told: Sequence[Sequence[tuple[int, float, float]]], order: NDArray[np.intp]
    ) -> tuple[Rows, ...]:
        """First runs of this study; where there is none, those that other studies told of."""
        count = len(self.facts.stages)
        rows = rows_of(told, order, models=2 * count)
        return tuple(
            rows[index] if len(rows[index]) else rows[count + index] for index in range(count)
        )

    def _objectives(self, curve: Sequence[Observation]) -> tuple[float, ...]:
        metrics = next((one.metrics for one in curve if one.full), {})
        values = [metrics.get(one.metric, nan) for one in self.facts.objectives]
        return tuple(
            _bounded(one.sign * value) if one.model is not None else _log(value)
            for one, value in zip(self.facts.objectives, values, strict=True)
        )

    def _stored(self, results: Mapping[str, StageResult]) -> int:
        for index, stage in enumerate(self.facts.stages):
            result = results.get(stage.name)
            done = result is not None and result.outcome in (StageOutcome.RUN, StageOutcome.CACHED)
            if not (stage.reuse and done):
                return index
        return len(self.facts.stages)

    def _restores(self, told: Sequence[_Told]) -> NDArray[np.float64]:
        taken: list[list[float]] = [[] for _ in self.facts.stages]
        for one in told:
            for index, seconds in one.restores:
                taken[index].append(seconds)
        return np.array([float(np.median(one[-RECENT:])) if one else nan for one in taken])


OWN_DOING = frozenset(
    {"ExitCode", "OutOfMemory", "Timeout", "MissingMetric", "TrialLimit", "Failed"}
)
"""Reasons of failures that the configuration and its instance type brought about."""


def _bounded(value: float) -> float:
    return min(max(value, -HUGE), HUGE) if isfinite(value) else nan


def _log(value: float) -> float:
    return log(value) if value > 0.0 else nan
