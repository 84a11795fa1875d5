"""Is this a trial of this study? What CEL cannot say about a proposal."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.errors import SpaceError, TunerError
from tuner.pipeline.segmentation import segments
from tuner.schedulers import brackets_of
from tuner.space import SearchSpace
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrialSpec
from tuner.trial import Trial, trial_name
from tuner_operator.observed import Observed, TrialView


def trial_of(name: str, *, spec: TuningTrialSpec, study: TuningStudySpec) -> Trial:
    """The proposal as a value, its parameters typed by the study's space.

    Raises:
        SpaceError: The parameters are not in the space.
    """
    space = SearchSpace.from_parameters(study.parameters)
    return Trial(
        name=name,
        worker=spec.worker,
        number=spec.number,
        parameters=space.cast(spec.parameters),
        instance_types=dict(spec.instance_types),
        bracket=spec.bracket,
    )


def refuse(
    observed: Observed, trial: TrialView, *, types: Mapping[str, tuple[str, ...]]
) -> str | None:
    """Why the trial is rejected, in one sentence; None if it is a proposal of this study."""
    study, spec = observed.study, trial.spec
    if study.spec is None or spec is None:
        return trial.problem or "its spec cannot be read"
    if trial.owner_uid != study.ref.uid:
        return f"it is not owned by the study {study.ref.name} of today"
    name = trial_name(study.ref.name, worker=spec.worker, number=spec.number)
    if trial.name != name:
        return f"its name should be {name}"
    if spec.bracket >= len(brackets_of(study.spec)):
        return f"the study has no bracket {spec.bracket}"
    try:
        value = trial_of(trial.name, spec=spec, study=study.spec)
        segments(study.spec, trial=value)
    except SpaceError as error:
        return f"not in the search space: {error}"
    except TunerError as error:
        return str(error)
    return _refuse_types(spec.instance_types, types=types)


def _refuse_types(chosen: Mapping[str, str], *, types: Mapping[str, tuple[str, ...]]) -> str | None:
    for stage, name in chosen.items():
        if stage not in types:
            return f"the study has no stage {stage}"
        if name not in types[stage]:
            return f"stage {stage} may not run on {name}"
    return None
