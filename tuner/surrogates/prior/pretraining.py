"""From earlier studies to a prior."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError
from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.points import Points
from tuner.surrogates.prior.calibration import calibrate
from tuner.surrogates.prior.configurations import noteworthy, own_configurations, portfolio
from tuner.surrogates.prior.emulators import emulate
from tuner.surrogates.prior.margins import Margin
from tuner.surrogates.prior.matching import matched, on_known_types
from tuner.surrogates.prior.output import OutputPrior
from tuner.surrogates.prior.prior import VERSION, Prior
from tuner.surrogates.prior.studies import SourceStudy, stage_seconds
from tuner.surrogates.prior.tasks import Array, SourceTask, usable
from tuner.surrogates.prior.training import train
from tuner.surrogates.prior.types import foreign_types

MAX_TASKS = 64
"""A prior is trained on at most so many studies of each output, the ones with most trials."""


def pretrain(
    sources: Sequence[SourceStudy],
    *,
    features: FeatureMap,
    directions: Mapping[str, bool],
    fidelity: bool,
    stages: Sequence[str] = (),
    seed: int = 0,
) -> Prior:
    """What earlier studies teach a new one; the same arguments give the same prior.

    Args:
        sources: Earlier studies.
        features: How the new study's configurations become inputs.
        directions: The new study's metrics and whether they are maximised.
        fidelity: Whether the new study's inputs have a fidelity.
        stages: The new study's stages, whose times are learned too.
        seed: Of the network's training.

    Raises:
        SurrogateError: No study has enough trials of any metric.
    """
    types = foreign_types(sources, features)
    wide = features.widened(types)
    inputs = wide.columns(fidelity=fidelity)
    places = [matched(study, wide) for study in sources]
    outputs = {}
    for metric, maximize in directions.items():
        tasks = usable(
            _metric_task(study, points, inputs, metric, maximize=maximize, fidelity=fidelity)
            for study, points in zip(sources, places, strict=True)
        )
        if tasks:
            outputs[metric] = output_prior(tasks, groups=inputs.groups, bounded=True, seed=seed)
    if directions and not outputs:
        raise SurrogateError("no earlier study has enough trials of a metric of this one")
    metrics = tuple(outputs)
    for stage in stages:
        timed = usable(
            _time_task(study, points, inputs, wide, stage)
            for study, points in zip(sources, places, strict=True)
        )
        if timed:
            outputs[stage_seconds(stage)] = output_prior(
                timed, groups=inputs.groups, bounded=False, seed=seed
            )
    if not outputs:
        raise SurrogateError("no earlier study has enough trials")
    candidates = own_configurations(sources, features)
    return Prior(
        key=training_key(
            sources,
            features=features,
            directions=directions,
            fidelity=fidelity,
            stages=stages,
            seed=seed,
        ),
        groups=inputs.groups,
        outputs=outputs,
        points=portfolio(candidates, inputs, [outputs[name] for name in metrics]),
        seen=noteworthy(candidates, inputs, list(outputs.values())),
        types=types,
        studies=tuple(study.uid for study in sources),
    )


def training_key(
    sources: Sequence[SourceStudy],
    *,
    features: FeatureMap,
    directions: Mapping[str, bool],
    fidelity: bool,
    stages: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """SHA-256 of what `pretrain` would learn from, in hexadecimal digits."""
    parts = (
        VERSION,
        [dataclasses.asdict(study) for study in sources],
        dataclasses.asdict(features),
        dict(directions),
        fidelity,
        list(stages),
        seed,
    )
    return hashlib.sha256(json.dumps(parts, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    return repr(value)


def output_prior(
    tasks: Sequence[SourceTask], *, groups: NDArray[np.intp], bounded: bool, seed: int
) -> OutputPrior:
    """One output's prior.

    Args:
        tasks: Usable ones, at least one.
        groups: Lengthscale group of each column, shape (p,).
        bounded: Whether it hardly matters how bad bad values are: metrics, not times.
        seed: Of the network's training; times have none.
    """
    tasks = sorted(tasks, key=lambda task: -len(task))[:MAX_TASKS]
    margins = tuple(Margin.of(task, bounded=bounded) for task in tasks)
    z = [margin.forward(task.y) for margin, task in zip(margins, tasks, strict=True)]
    atlas = emulate(tasks, z, groups=groups)
    return OutputPrior(
        tasks=tuple(task.name for task in tasks),
        task_groups=tuple(task.group for task in tasks),
        margins=margins,
        atlas=atlas,
        residual=calibrate(tasks, z, atlas),
        network=train(tasks, z, atlas.weights, seed=seed) if bounded else None,
    )


def _metric_task(
    study: SourceStudy,
    points: Points,
    inputs: Inputs,
    metric: str,
    *,
    maximize: bool,
    fidelity: bool,
) -> SourceTask:
    rows = [
        (index, observation.fidelity, float(observation.metrics[metric]))
        for index, trial in enumerate(study.trials)
        for observation in trial.observations
        if metric in observation.metrics and (fidelity or observation.fidelity >= 1.0)
    ]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    sign = -1.0 if maximize else 1.0
    return _task(study, points, inputs, table[:, 0], table[:, 1], sign * table[:, 2])


def _time_task(
    study: SourceStudy, points: Points, inputs: Inputs, features: FeatureMap, stage: str
) -> SourceTask:
    comparable = on_known_types(study, features, stage)
    rows = [
        (index, np.log(trial.seconds[stage]))
        for index, trial in enumerate(study.trials)
        if comparable[index] and trial.seconds.get(stage, 0.0) > 0.0
    ]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 2)
    return _task(study, points, inputs, table[:, 0], np.ones(len(rows)), table[:, 1])


def _task(
    study: SourceStudy, points: Points, inputs: Inputs, trial: Array, fidelity: Array, y: Array
) -> SourceTask:
    seen = points[trial.astype(np.intp)]
    at = Points(seen.unit, seen.active, seen.types, fidelity)
    return SourceTask(
        name=study.uid, group=study.data, X=inputs.transform(at), y=y, full=fidelity >= 1.0
    )
