"""Studies of a cluster, from the status of their objects: no credentials of the store needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tuner.cli.report import StudyReport, TrialRow, baseline_of, initial_name, lookup_stages
from tuner.errors import UnknownObject
from tuner.pareto import oriented, pareto_front
from tuner.spec import StageState, StudyState, TrialState, TuningStudy, TuningTrial
from tuner.spec.conditions import SUCCEEDED
from tuner.study.savings import CacheSavings
from tuner.study.summary import Cost, Counts, Point, Summary
from tuner.study.terms import Terms, terms_of

Object = Mapping[str, Any]


class Reader(Protocol):
    """What is read of a cluster; objects as JSON. May raise BackendError."""

    @property
    def namespace(self) -> str:
        """The namespace that is read."""

    def list_studies(self) -> Sequence[Object]:
        """Every TuningStudy of the namespace."""

    def get_study(self, name: str) -> Object | None:
        """One TuningStudy, or None."""

    def list_trials(self, study: str) -> Sequence[Object]:
        """The TuningTrials of a study."""

    def get_trial(self, name: str) -> Object | None:
        """One TuningTrial, or None."""

    def pod_log(self, pod: str) -> Iterator[str]:
        """What the stages of a pod printed, in pieces; nothing if the pod is gone."""


class ClusterSource:
    """Reads the studies of one namespace.

    Args:
        reader: How to reach the cluster.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def overview(self, study: str | None = None) -> Sequence[StudyReport]:
        """One study, or all by name, as their status tells; trials are not read."""
        if study is not None:
            return [self._report(self._study(study), ())]
        found = [TuningStudy.model_validate(each) for each in self._reader.list_studies()]
        return [self._report(each, ()) for each in sorted(found, key=lambda s: s.metadata.name)]

    def report(self, study: str) -> StudyReport:
        """A study as it stands, its front completed from its trials."""
        return self._report(self._study(study), self._trials(study))

    def trials(self, study: str) -> Sequence[TrialRow]:
        """Its trials, oldest first; those beyond the history limit are in the store only."""
        found = self._study(study)
        return [_row(found, trial) for trial in self._trials(study)]

    def logs(self, trial: str) -> Iterator[str]:
        """What the last attempt of each segment printed."""
        found = self._reader.get_trial(trial)
        if found is None:
            raise UnknownObject(f"namespace {self._reader.namespace} has no trial {trial}")
        status = TuningTrial.model_validate(found).status
        for segment in (status and status.segments) or ():
            if segment.pod is not None:
                yield from self._reader.pod_log(segment.pod)

    def _report(self, study: TuningStudy, trials: Sequence[TuningTrial]) -> StudyReport:
        status = study.status
        ended = next(
            (each for each in (status and status.conditions) or () if each.type == SUCCEEDED), None
        )
        summary = _summary(study, trials)
        return StudyReport(
            name=study.metadata.name,
            namespace=self._reader.namespace,
            spec=study.spec,
            state=(status and status.state) or StudyState.PENDING,
            reason="" if ended is None else ended.reason,
            message="" if ended is None else ended.message,
            finished=status is not None and status.completion_time is not None,
            summary=summary,
            front_size=max(len(summary.front), (status and status.front_size) or 0),
            baseline=_baseline(study, trials),
        )

    def _study(self, name: str) -> TuningStudy:
        found = self._reader.get_study(name)
        if found is None:
            raise UnknownObject(f"namespace {self._reader.namespace} has no study {name}")
        return TuningStudy.model_validate(found)

    def _trials(self, study: str) -> list[TuningTrial]:
        trials = [TuningTrial.model_validate(each) for each in self._reader.list_trials(study)]
        return sorted(
            trials, key=lambda each: (each.metadata.creation_timestamp or "", each.metadata.name)
        )


def _summary(study: TuningStudy, trials: Sequence[TuningTrial]) -> Summary:
    status = study.status
    front = _front(study, trials)
    return Summary(
        study=study.metadata.name,
        counts=Counts(**status.trials.model_dump()) if status and status.trials else Counts(),
        cost=Cost(**status.cost.model_dump()) if status and status.cost else Cost(),
        cache=_cache(study, trials),
        best=front[0] if front else None,
        front=front,
        infeasible=_infeasible(terms_of(study.spec), trials),
        hypervolume=status.hypervolume if status else None,
    )


def _front(study: TuningStudy, trials: Sequence[TuningTrial]) -> tuple[Point, ...]:
    """The front in status, which is bounded, with the feasible completed trials that exist."""
    terms = terms_of(study.spec)
    points = {
        each.trial: Point(
            trial=each.trial,
            parameters=each.parameters,
            instance_types=each.instance_types,
            objectives=each.objectives,
            predicted=each.predicted or (),
        )
        for each in (study.status and study.status.pareto_front) or ()
    }
    for trial in trials:
        point = _point(trial, terms)
        if point is not None:
            points[point.trial] = point
    minimize = [objective.minimize for objective in terms.objectives]
    found = list(points.values())
    vectors = [
        tuple(point.objectives[objective.metric] for objective in terms.objectives)
        for point in found
    ]
    front = pareto_front(vectors, minimize=minimize)
    front.sort(key=lambda index: (oriented(vectors[index], minimize=minimize), found[index].trial))
    return tuple(found[index] for index in front)


def _point(trial: TuningTrial, terms: Terms) -> Point | None:
    """The trial as a candidate for the front; None unless it completed and is feasible."""
    status = trial.status
    if status is None or status.state is not TrialState.COMPLETED:
        return None
    metrics = status.metrics or {}
    if any(objective.metric not in metrics for objective in terms.objectives):
        return None
    if not all(one.holds(metrics.get(one.metric)) for one in terms.constraints):
        return None
    return Point(
        trial=trial.metadata.name,
        label=_label(trial),
        parameters=trial.spec.parameters,
        instance_types=trial.spec.instance_types,
        objectives={each.metric: metrics[each.metric] for each in terms.objectives},
        predicted=status.predicted or (),
    )


def _infeasible(terms: Terms, trials: Sequence[TuningTrial]) -> dict[str, int]:
    broken: Counter[str] = Counter()
    for trial in trials:
        if trial.status is not None and trial.status.state is TrialState.COMPLETED:
            metrics = trial.status.metrics or {}
            broken.update(
                one.metric for one in terms.constraints if not one.holds(metrics.get(one.metric))
            )
    return dict(broken)


def _cache(study: TuningStudy, trials: Sequence[TuningTrial]) -> CacheSavings:
    looked_up = lookup_stages(study.spec)
    outcomes = [
        stage.outcome
        for trial in trials
        for stage in (trial.status and trial.status.stages) or ()
        if stage.name in looked_up
    ]
    status = study.status
    return CacheSavings(
        lookups=len(outcomes),
        hits=outcomes.count(StageState.CACHED),
        saved_usd=status.cost.saved_by_cache if status and status.cost else 0.0,
    )


def _baseline(study: TuningStudy, trials: Sequence[TuningTrial]) -> Point | None:
    first = next((each.name for each in study.spec.initial_trials or ()), None)
    for trial in trials:
        completed = trial.status is not None and trial.status.state is TrialState.COMPLETED
        if first is not None and completed and _label(trial) == first:
            return baseline_of(_row(study, trial))
    return None


def _label(trial: TuningTrial) -> str:
    return initial_name({} if trial.spec.why is None else {"name": trial.spec.why.name})


def _row(study: TuningStudy, trial: TuningTrial) -> TrialRow:
    status = trial.status
    metrics = (status and status.metrics) or {}
    return TrialRow(
        name=trial.metadata.name,
        state=str((status and status.state) or TrialState.QUEUED),
        reason=(status and status.reason) or "",
        message=(status and status.message) or "",
        parameters=trial.spec.parameters,
        instance_types=trial.spec.instance_types,
        fidelity=status.fidelity if status else None,
        objectives={
            each.metric: metrics[each.metric]
            for each in study.spec.objectives
            if each.metric in metrics
        },
        cost=(status and status.cost) or 0.0,
        seconds=status.runtime if status else None,
        label=_label(trial),
        cached=tuple(
            stage.name
            for stage in (status and status.stages) or ()
            if stage.outcome is StageState.CACHED
        ),
    )
