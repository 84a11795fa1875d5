"""What a problem's earlier studies teach: from recorded trials to the prior of a study."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.problems.manifest import (
    Budget,
    choices_of,
    instance_types_of,
    space_of,
    spec_of,
)
from benchmarks.problems.protocol import EarlierTrial, Problem
from tuner.hardware import instance_features
from tuner.searchers.joint import Configuration
from tuner.spec import BUILT_IN, TuningStudySpec
from tuner.surrogates.prior import Prior, SourceObservation, SourceStudy, SourceTrial, pretrain
from tuner.transfer.learning import Recipe


def prior_of(problem: Problem, *, spec: TuningStudySpec | None = None) -> Prior:
    """The prior that `spec.transfer` would give a study of the problem.

    Args:
        problem: With earlier studies.
        spec: The study, where it is not the problem's own; its fidelity and scheduler count.

    Raises:
        SurrogateError: The problem has no earlier studies that teach anything.
    """
    recipe = Recipe.of(
        spec or spec_of(problem, budget=Budget(trials=1)),
        choices=choices_of(problem),
        instance_types={one.metadata.name: one.spec for one in instance_types_of(problem)},
    )
    return pretrain(
        source_studies(problem),
        features=recipe.features,
        directions=recipe.directions,
        fidelity=recipe.fidelity,
        stages=recipe.stages,
    )


def source_studies(problem: Problem) -> list[SourceStudy]:
    """Earlier studies as they would be read from their logs."""
    declared = problem.declared
    features = {
        one.metadata.name: instance_features(one.spec) for one in instance_types_of(problem)
    }
    maximize = frozenset(
        str(one["metric"]) for one in declared.objectives if one["direction"] == "Maximize"
    )
    top = float(str((declared.fidelity or {"max": 1})["max"]))
    trains = (declared.fidelity or {}).get("stage")
    # The last stage reports the objective: what is shown before it, with later stages, is another.
    ends = trains == declared.stages[-1].name
    return [
        SourceStudy(
            uid=study.name,
            data=study.data,
            space=space_of(problem),
            maximize=maximize,
            type_features=features,
            trials=tuple(_trial(trial, top=top, curves=ends) for trial in study.trials),
        )
        for study in declared.earlier
    ]


def _trial(trial: EarlierTrial, *, top: float, curves: bool) -> SourceTrial:
    curve = [
        SourceObservation(fidelity=level / top, metrics=_reported(metrics))
        for level, metrics in sorted(trial.curve.items())
        if curves and level < top
    ]
    end = SourceObservation(fidelity=1.0, metrics=_reported(trial.metrics))
    return SourceTrial(
        parameters=dict(trial.parameters),
        instance_types=dict(trial.instance_types),
        observations=(*curve, end),
        seconds=dict(trial.seconds),
    )


def _reported(metrics: Mapping[str, float]) -> dict[str, float]:
    """Without cost and run time, which follow from seconds and prices."""
    return {name: value for name, value in metrics.items() if name not in BUILT_IN}


def portfolio_of(problem: Problem, prior: Prior, *, size: int) -> list[Configuration]:
    """The configurations that earlier studies would try first, in order, no two alike."""
    points = prior.portfolio(worker=0, workers=1)
    space, groups = space_of(problem), choices_of(problem).groups
    found: list[Configuration] = []
    for unit, types in zip(points.unit, points.types, strict=True):
        chosen = tuple(group.types[int(kind)] for group, kind in zip(groups, types, strict=True))
        configuration = Configuration(space.from_unit(unit), chosen)
        if configuration not in found:
            found.append(configuration)
    return found[:size]
