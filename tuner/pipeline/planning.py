"""`make_plan`: from a study and a trial to the one document that an agent carries out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tuner.errors import PipelineError
from tuner.pipeline.keys import StageKey
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan
from tuner.pipeline.rendering import StageContext, render
from tuner.pipeline.segmentation import instance_type_of, segments
from tuner.pipeline.source import (
    PlanSettings,
    Source,
    StudyIdentity,
    instance_type_spec,
    keys_of,
    parameters_of,
)
from tuner.spec import (
    CachePolicy,
    FidelityMode,
    InstanceTypeSpec,
    MetricValue,
    SchedulerType,
    SchedulerVariant,
    Stage,
    TuningStudySpec,
    duration_seconds,
)
from tuner.trial import Trial

DEFAULT_GRACE_SECONDS = 90.0


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
    source = Source(
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
    source = Source(
        spec=spec,
        study=study,
        trial=trial,
        instance_types=instance_types,
        settings=settings or PlanSettings(),
    )
    return keys_of(source)


def _stages(source: Source, *, first: str, last: str) -> Iterator[StagePlan]:
    keys = keys_of(source)
    earlier: list[str] = []
    run = False
    for stage in source.spec.pipeline.stages:
        run = run or stage.name == first
        yield _stage(source, stage=stage, key=keys[stage.name], earlier=tuple(earlier), run=run)
        if stage.name == last:
            return
        earlier.append(stage.name)


def _stage(
    source: Source, *, stage: Stage, key: StageKey, earlier: Sequence[str], run: bool
) -> StagePlan:
    spec, settings = source.spec, source.settings
    type_name = instance_type_of(spec, stage=stage, trial=source.trial)
    instance_type = instance_type_spec(source, name=type_name)
    price = settings.prices_per_hour.get(type_name, instance_type.price_per_hour or 0.0)
    parameters = parameters_of(source, stage=stage)
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


def _input_addresses(source: Source, *, stage: Stage) -> dict[str, str]:
    addresses = {item.name: item.uri for item in source.spec.inputs or ()}
    addresses.update(source.settings.inputs)
    missing = [name for name in stage.inputs or () if name not in addresses]
    if missing:
        raise PipelineError(f"stage {stage.name}: there is no input {missing[0]}.")
    return {name: addresses[name] for name in stage.inputs or ()}


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


def _fidelity(source: Source) -> FidelityPlan | None:
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
        promotes=stops and scheduler.variant is SchedulerVariant.PROMOTION,
        promoted=float(source.settings.promoted),
    )


def _grace_seconds(spec: TuningStudySpec) -> float:
    template = spec.pipeline.pod_template
    if template is None or template.spec is None:
        return DEFAULT_GRACE_SECONDS
    return float(template.spec.termination_grace_period_seconds or DEFAULT_GRACE_SECONDS)
