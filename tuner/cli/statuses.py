"""From the status of a study and of its trials to what the verbs print: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tuner.cli.report import TrialRow, baseline_of, initial_name
from tuner.pareto import oriented, pareto_front
from tuner.spec import StageState, TrialState, TuningStudy, TuningTrial
from tuner.study.savings import CacheSavings
from tuner.study.summary import Cost, Counts, Point, Summary
from tuner.study.terms import Terms, terms_of


def summary_of(study: TuningStudy, trials: Sequence[TuningTrial]) -> Summary:
    """A summary of what the status of a study and of its trials tells; the front may be cut."""
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
    looked_up = study.spec.pipeline.cached_stages
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


def baseline_in(study: TuningStudy, trials: Sequence[TuningTrial]) -> Point | None:
    """The study's first initial trial, if it completed."""
    first = next((each.name for each in study.spec.initial_trials or ()), None)
    for trial in trials:
        completed = trial.status is not None and trial.status.state is TrialState.COMPLETED
        if first is not None and completed and _label(trial) == first:
            return baseline_of(row_of(study, trial))
    return None


def _label(trial: TuningTrial) -> str:
    return initial_name({} if trial.spec.why is None else {"name": trial.spec.why.name})


def row_of(study: TuningStudy, trial: TuningTrial) -> TrialRow:
    """A trial as it stands."""
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
