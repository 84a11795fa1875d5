"""What earlier studies showed: from their logs to what a prior is trained on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from tuner.artifacts import ArtifactStore
from tuner.errors import ManifestError, ObjectCorrupt, SpaceError
from tuner.hardware import instance_features
from tuner.log import StudyLog, study_prefix
from tuner.searchers import History
from tuner.searchers.engine.reworking import (
    metrics_of_training,
    reported_by,
    stages_after_training,
)
from tuner.space import SearchSpace
from tuner.spec import BUILT_IN, InstanceTypeSpec, TuningStudySpec
from tuner.study.chronicle import Chronicle
from tuner.study.history import history_of
from tuner.surrogates.prior import SourceObservation, SourceStudy, SourceTrial
from tuner.transfer.record import Source
from tuner.trial import Observation, StageOutcome, Trial

_logger = logging.getLogger(__name__)


def source_study(store: ArtifactStore, source: Source, *, namespace: str) -> SourceStudy | None:
    """What a study's log says up to where it had come; None if it cannot be read.

    Raises:
        StoreError: The store does not answer.
    """
    log = StudyLog(store, study_prefix(namespace, source.study, uid=source.uid))
    try:
        marker = log.get_marker() or {}
        spec = TuningStudySpec.model_validate(marker.get("spec"))
    except (ObjectCorrupt, ValueError) as error:
        _logger.warning("nothing is learned from study %s: %s", source.name, error)
        return None
    chronicle = Chronicle()
    chronicle.add(one for one in log.read_all() if one.milliseconds <= source.until)
    history = history_of(chronicle)
    space = SearchSpace.from_parameters(spec.parameters)
    return SourceStudy(
        uid=source.name,
        data=task_hash(spec),
        space=space,
        maximize=frozenset(one.metric for one in spec.objectives if not one.minimize),
        type_features=_type_features(marker.get("instanceTypes")),
        trials=_trials(history, spec, space=space),
    )


def task_hash(spec: TuningStudySpec) -> str:
    """The same for studies that run the same code on the same data: they are almost one task."""
    pipeline, inputs = spec.pipeline, spec.inputs or ()
    stages = [(one.name, one.image, one.command, one.args, one.env) for one in pipeline.stages]
    parts = [[(one.name, one.version) for one in inputs], pipeline.image, pipeline.env, stages]
    text = json.dumps(parts, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> object:
    return value.model_dump(mode="json", exclude_none=True)


def _type_features(described: object) -> Mapping[str, Mapping[str, float]]:
    """Those of the types that the marker describes; markers of earlier versions describe none."""
    features: dict[str, Mapping[str, float]] = {}
    for name, spec in described.items() if isinstance(described, dict) else ():
        try:
            features[name] = instance_features(InstanceTypeSpec.model_validate(spec))
        except (ManifestError, ValueError) as error:
            _logger.warning("instance type %s of an earlier study: %s", name, error)
    return features


def _trials(
    history: History, spec: TuningStudySpec, *, space: SearchSpace
) -> tuple[SourceTrial, ...]:
    whole = 1.0 if spec.fidelity is None else float(spec.fidelity.max)
    reworked = _reworked(history, spec)
    observed: dict[str, list[SourceObservation]] = {}
    for one in history.observations:
        told = _observation(one, whole=whole, but=frozenset() if one.full else reworked)
        if told.metrics:
            observed.setdefault(one.trial, []).append(told)
    trials = []
    for trial in history.trials:
        seconds = {
            one.stage: one.first_run_seconds
            for one in history.stages.get(trial.name, ())
            if one.outcome is StageOutcome.RUN and one.first_run_seconds > 0
        }
        curve = tuple(observed.get(trial.name, ()))
        parameters = _typed(trial, space)
        if parameters is not None and (curve or seconds):
            trials.append(
                SourceTrial(
                    parameters=parameters,
                    instance_types=dict(trial.instance_types),
                    observations=curve,
                    seconds=seconds,
                )
            )
    return tuple(trials)


def _typed(trial: Trial, space: SearchSpace) -> Any:
    try:
        return space.cast(trial.parameters)
    except SpaceError:
        return None


def _reworked(history: History, spec: TuningStudySpec) -> frozenset[str]:
    """Metrics whose values at rungs are not those of the end."""
    after = stages_after_training(spec)
    found = (reported_by(results, stages=after) for results in history.stages.values())
    return frozenset().union(*found) - metrics_of_training(spec)


def _observation(one: Observation, *, whole: float, but: frozenset[str]) -> SourceObservation:
    left_out = {*BUILT_IN, *but}
    reported = {name: value for name, value in one.metrics.items() if name not in left_out}
    share = 1.0 if one.full else min(1.0, one.fidelity / whole)
    return SourceObservation(fidelity=share, metrics=reported)
