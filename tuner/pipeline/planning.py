"""`make_plan`: from a study and a trial to the one document that an agent carries out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuner.errors import PipelineError
from tuner.pipeline.keys import KeyParts, StageKey, has_digest, stage_key
from tuner.pipeline.layout import POD_BASE, Layout
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan
from tuner.pipeline.rendering import StageContext, render
from tuner.pipeline.segmentation import image_of, instance_type_of, segments
from tuner.space import domain_of
from tuner.spec import (
    CachePolicy,
    EnvVar,
    FidelityMode,
    InstanceTypeSpec,
    MetricValue,
    SchedulerType,
    Stage,
    TuningStudySpec,
    duration_seconds,
)
from tuner.trial import ParameterValue, Trial

DEFAULT_GRACE_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyIdentity:
    """Which study it is: `local` stands for namespace and uid in `tuner run`."""

    name: str
    namespace: str = "local"
    uid: str = "local"

    @property
    def study_prefix(self) -> str:
        """Where the study's objects live in the store."""
        return f"studies/{self.namespace}/{self.name}.{self.uid}"

    @property
    def cache_prefix(self) -> str:
        """Where the artifacts of the namespace live in the store."""
        return f"cache/{self.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What a plan needs beyond study and trial.

    Attributes:
        rungs: Fidelities at which a decision is due in the trial's bracket, rising.
        base: Folder shared by agent and runner.
        code_identity: Stands for the image in stage keys; a digest of the code in `tuner run`.
        inputs: Addresses that replace those of the manifest, by input name.
        prices_per_hour: USD by instance type, as admitted; those left out as the type says.
    """

    rungs: Sequence[float] = ()
    base: str = POD_BASE
    code_identity: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    prices_per_hour: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    spec: TuningStudySpec
    study: StudyIdentity
    trial: Trial
    instance_types: Mapping[str, InstanceTypeSpec]
    settings: PlanSettings


def make_plan(
    spec: TuningStudySpec,
    *,
    study: StudyIdentity,
    trial: Trial,
    instance_types: Mapping[str, InstanceTypeSpec],
    attempt: int,
    segment: int,
    settings: PlanSettings | None = None,
) -> TrialPlan:
    """The plan of one attempt of one segment of a trial.

    Args:
        spec: The study's spec.
        study: Which study.
        trial: What was proposed.
        instance_types: At least those that the trial uses, by name.
        attempt: Which pod of the trial, from 1, counted over all segments.
        segment: Which of `segments(spec, trial=trial)`.
        settings: All else.

    Raises:
        PipelineError: A stage cannot be rendered, or an instance type or segment is unknown.
    """
    source = _Source(
        spec=spec,
        study=study,
        trial=trial,
        instance_types=instance_types,
        settings=settings or PlanSettings(),
    )
    runs = segments(spec, trial=trial)
    if not 0 <= segment < len(runs):
        raise PipelineError(f"Trial {trial.name} has no segment {segment}.")
    return TrialPlan(
        study_prefix=study.study_prefix,
        cache_prefix=study.cache_prefix,
        trial=trial.name,
        attempt=attempt,
        segment=segment,
        last=runs[segment].last,
        bracket=trial.bracket,
        stages=tuple(_stages(source, first=runs[segment].stages[0], last=runs[segment].stages[-1])),
        objectives=_objectives(spec),
        fidelity=_fidelity(source),
        grace_seconds=_grace_seconds(spec),
        layout=source.settings.base,
    )


def stage_keys(
    spec: TuningStudySpec,
    *,
    study: StudyIdentity,
    trial: Trial,
    instance_types: Mapping[str, InstanceTypeSpec],
    settings: PlanSettings | None = None,
) -> dict[str, StageKey]:
    """The key of every stage of a trial by stage name, without rendering anything."""
    source = _Source(
        spec=spec,
        study=study,
        trial=trial,
        instance_types=instance_types,
        settings=settings or PlanSettings(),
    )
    return _keys(source)


def _stages(source: _Source, *, first: str, last: str) -> Iterator[StagePlan]:
    keys = _keys(source)
    earlier: list[str] = []
    run = False
    for stage in source.spec.pipeline.stages:
        run = run or stage.name == first
        yield _stage(source, stage=stage, key=keys[stage.name], earlier=tuple(earlier), run=run)
        if stage.name == last:
            return
        earlier.append(stage.name)


def _stage(
    source: _Source, *, stage: Stage, key: StageKey, earlier: Sequence[str], run: bool
) -> StagePlan:
    spec, settings = source.spec, source.settings
    type_name = instance_type_of(spec, stage=stage, trial=source.trial)
    instance_type = _instance_type(source, name=type_name)
    price = settings.prices_per_hour.get(type_name, instance_type.price_per_hour or 0.0)
    parameters = _parameters(source, stage=stage)
    fidelity = spec.fidelity
    context = StageContext(
        layout=Layout(Path(settings.base)),
        study=source.study.name,
        trial=source.trial.name,
        parameters=parameters,
        instance_type=type_name,
        price_per_hour=price,
        seed=spec.searcher.seed,
        inputs=_input_addresses(source, stage=stage),
        earlier=earlier,
        fidelity=float(fidelity.max) if fidelity and fidelity.stage == stage.name else None,
        env=(*(instance_type.env or ()), *(spec.pipeline.env or ())),
    )
    argv, env = render(stage, context=context)
    return StagePlan(
        name=stage.name,
        argv=argv,
        env=env,
        parameters=parameters,
        key=key.digest,
        reuse=stage.cache is CachePolicy.REUSE,
        instance_type=type_name,
        price_per_hour=price,
        timeout_seconds=None if stage.timeout is None else duration_seconds(stage.timeout),
        run=run,
        components=key.components,
    )


def _keys(source: _Source) -> dict[str, StageKey]:
    keys: dict[str, StageKey] = {}
    previous = ""
    for stage in source.spec.pipeline.stages:
        keys[stage.name] = stage_key(_key_parts(source, stage=stage, previous=previous))
        previous = keys[stage.name].digest
    return keys


def _key_parts(source: _Source, *, stage: Stage, previous: str) -> KeyParts:
    spec = source.spec
    type_name = instance_type_of(spec, stage=stage, trial=source.trial)
    identity = source.settings.code_identity
    image = identity if identity is not None else image_of(spec, stage=stage)
    versions = {item.name: item.version for item in spec.inputs or ()}
    fidelity = spec.fidelity
    trains = fidelity is not None and fidelity.stage == stage.name
    return KeyParts(
        image=image,
        scope=_scope(source, stage=stage, image=image),
        command=(*stage.command, *(stage.args or ())),
        env=_env_parts((*(spec.pipeline.env or ()), *(stage.env or ()))),
        instance_env=_env_parts(_instance_type(source, name=type_name).env or ()),
        parameters=_parameters(source, stage=stage),
        inputs={name: versions.get(name, "") for name in stage.inputs or ()},
        previous=previous,
        fidelity=float(fidelity.max) if fidelity and trains else None,
        instance_type=type_name if stage.artifact_depends_on_instance_type else None,
    )


def _scope(source: _Source, *, stage: Stage, image: str) -> str:
    if stage.cache is CachePolicy.NEVER:
        return f"trial {source.study.uid} {source.trial.name}"
    if source.settings.code_identity is None and not has_digest(image):
        return f"study {source.study.uid}"
    return ""


def _env_parts(variables: Sequence[EnvVar]) -> dict[str, object]:
    return {
        item.name: item.value or ""
        if item.value_from is None
        else item.value_from.model_dump(mode="json", by_alias=True, exclude_none=True)
        for item in variables
    }


def _parameters(source: _Source, *, stage: Stage) -> dict[str, ParameterValue]:
    given = source.trial.parameters
    return {
        parameter.name: domain_of(parameter).cast(given[parameter.name])
        for parameter in source.spec.parameters
        if parameter.name in given
        and (stage.parameters is None or parameter.name in stage.parameters)
    }


def _input_addresses(source: _Source, *, stage: Stage) -> dict[str, str]:
    addresses = {item.name: item.uri for item in source.spec.inputs or ()}
    addresses.update(source.settings.inputs)
    missing = [name for name in stage.inputs or () if name not in addresses]
    if missing:
        raise PipelineError(f"stage {stage.name}: there is no input {missing[0]}.")
    return {name: addresses[name] for name in stage.inputs or ()}


def _instance_type(source: _Source, *, name: str) -> InstanceTypeSpec:
    try:
        return source.instance_types[name]
    except KeyError:
        raise PipelineError(f"There is no instance type {name}.") from None


def _objectives(spec: TuningStudySpec) -> tuple[ObjectivePlan, ...]:
    return tuple(
        ObjectivePlan(
            metric=item.metric,
            minimize=item.minimize,
            best=item.value is MetricValue.BEST,
            stage=item.stage,
        )
        for item in spec.objectives
    )


def _fidelity(source: _Source) -> FidelityPlan | None:
    fidelity, scheduler = source.spec.fidelity, source.spec.early_stopping
    if fidelity is None:
        return None
    stops = scheduler.type is not SchedulerType.NONE
    return FidelityPlan(
        name=fidelity.name,
        stage=fidelity.stage,
        maximum=float(fidelity.max),
        rungs=tuple(float(rung) for rung in source.settings.rungs) if stops else (),
        reduction_factor=float(scheduler.reduction_factor),
        restart=fidelity.mode is FidelityMode.RESTART,
    )


def _grace_seconds(spec: TuningStudySpec) -> float:
    template = spec.pipeline.pod_template
    if template is None or template.spec is None:
        return DEFAULT_GRACE_SECONDS
    return float(template.spec.termination_grace_period_seconds or DEFAULT_GRACE_SECONDS)
