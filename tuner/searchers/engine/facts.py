"""What a manifest says to the engine: objectives, stages, prices, rungs, budgets; plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.hardware import StageChoices, paid_share
from tuner.schedulers.hyperband import rung_levels
from tuner.searchers.engine.reworking import metrics_of_training, stages_after_training
from tuner.spec import (
    COST,
    RUNTIME,
    CachePolicy,
    FidelityMode,
    InstanceTypeSpec,
    SchedulerType,
    SchedulerVariant,
    TuningStudySpec,
    duration_seconds,
)

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """One stage of the pipeline.

    Attributes:
        name: Its name.
        parameters: Names of the parameters of this stage and of all before it: what its artifact
            and, by way of its input, its time depend on.
        group: Index of the group of stages that it shares its instance type with.
        fidelity: Whether it is the stage that trains to a fidelity.
        reuse: Whether its artifact is taken from the cache.
        bound_to_type: Whether its artifact is of use on the same instance type alone.
    """

    name: str
    parameters: tuple[str, ...]
    group: int
    fidelity: bool
    reuse: bool
    bound_to_type: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveFacts:
    """One objective.

    Attributes:
        metric: Its name.
        sign: +1 to minimise, -1 to maximise: sign * value is minimised.
        model: Index among `Facts.metrics`; None for cost and runtime.
        stages: Indices of the stages whose cost or runtime counts; empty for reported metrics.
        dollars: Whether seconds are multiplied by prices.
    """

    metric: str
    sign: float
    model: int | None
    stages: tuple[int, ...] = ()
    dollars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintFacts:
    """Bounds on a reported metric or on a built-in one, as for objectives."""

    metric: str
    model: int | None
    stages: tuple[int, ...]
    dollars: bool
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A study as the engine sees it.

    Attributes:
        stages: In the pipeline's order, K of them.
        metrics: Reported metrics of objectives and constraints, each modelled once.
        signs: For each of `metrics` +1, or -1 where it is to be maximised: models see
            sign * value.
        at_rungs: For each of `metrics` whether it is reported along the fidelity.
        of_training: Those of `metrics` that the manifest takes from the fidelity stage.
        after_training: Names of the stages after the fidelity stage.
        objectives: In the manifest's order, M of them.
        constraints: In the manifest's order.
        prices: For each group of stages the types' prices in USD per second.
        losses: Likewise how many seconds are paid for one that is kept: preemption takes the rest.
        max_fidelity: Full fidelity in its unit; 1 without one.
        rungs: Fidelities at which trials may be stopped, as fractions of the full one.
        reduction_factor: About one trial in so many goes on at a rung.
        promotes: Whether a trial that ends at a rung may go on from there later.
        restarts: Whether a stopped fidelity begins anew: rungs' costs then add up.
        in_dollars: Whether spend is counted in USD; else in seconds.
        max_cost_usd: Budget, or None.
        max_seconds: Budget, or None.
        max_trials: Budget, or None.
    """

    stages: tuple[StageFacts, ...]
    metrics: tuple[str, ...]
    signs: tuple[float, ...]
    at_rungs: tuple[bool, ...]
    of_training: frozenset[str]
    after_training: frozenset[str]
    objectives: tuple[ObjectiveFacts, ...]
    constraints: tuple[ConstraintFacts, ...]
    prices: tuple[NDArray[np.float64], ...]
    losses: tuple[NDArray[np.float64], ...]
    max_fidelity: float
    rungs: tuple[float, ...]
    reduction_factor: float
    promotes: bool
    restarts: bool
    in_dollars: bool
    max_cost_usd: float | None
    max_seconds: float | None
    max_trials: int | None


def facts_of(
    spec: TuningStudySpec,
    *,
    choices: StageChoices,
    instance_types: Mapping[str, InstanceTypeSpec],
) -> Facts:
    """The facts of a manifest, given the instance types that its stages may use."""
    metrics = _modelled(spec)
    signs = {one.metric: 1.0 if one.minimize else -1.0 for one in spec.objectives}
    prices = tuple(
        np.array([_price(instance_types.get(name)) for name in group.types])
        for group in choices.groups
    )
    fidelity, scheduler = spec.fidelity, spec.early_stopping
    stops = fidelity is not None and scheduler.type is SchedulerType.HYPERBAND
    budget = spec.budget
    return Facts(
        stages=_stages(spec, choices),
        metrics=metrics,
        signs=tuple(signs.get(metric, 1.0) for metric in metrics),
        at_rungs=tuple(_at_rungs(spec, metric) for metric in metrics),
        of_training=metrics_of_training(spec),
        after_training=stages_after_training(spec),
        objectives=tuple(
            ObjectiveFacts(
                metric=one.metric,
                sign=signs[one.metric],
                model=None if one.is_built_in else metrics.index(one.metric),
                stages=_counted(spec, one.stage) if one.is_built_in else (),
                dollars=one.metric == COST,
            )
            for one in spec.objectives
        ),
        constraints=tuple(
            ConstraintFacts(
                metric=one.metric,
                model=metrics.index(one.metric) if one.metric in metrics else None,
                stages=() if one.metric in metrics else _counted(spec, one.stage),
                dollars=one.metric == COST,
                minimum=one.min,
                maximum=one.max,
            )
            for one in spec.constraints or ()
        ),
        prices=prices,
        losses=tuple(
            np.array([paid_share(instance_types.get(name)) for name in group.types])
            for group in choices.groups
        ),
        max_fidelity=1.0 if fidelity is None else float(fidelity.max),
        rungs=tuple(
            level / float(fidelity.max)
            for level in rung_levels(
                float(fidelity.min), float(fidelity.max), scheduler.reduction_factor
            )
        )
        if fidelity is not None and stops
        else (),
        reduction_factor=float(scheduler.reduction_factor),
        promotes=scheduler.variant is SchedulerVariant.PROMOTION,
        restarts=fidelity is not None and fidelity.mode is FidelityMode.RESTART,
        in_dollars=all(bool(np.all(one > 0)) for one in prices),
        max_cost_usd=budget.max_cost,
        max_seconds=None if budget.max_duration is None else duration_seconds(budget.max_duration),
        max_trials=budget.max_trials,
    )


def _modelled(spec: TuningStudySpec) -> tuple[str, ...]:
    named = [one.metric for one in spec.objectives] + [one.metric for one in spec.constraints or ()]
    return tuple(dict.fromkeys(name for name in named if name not in (COST, RUNTIME)))


def _stages(spec: TuningStudySpec, choices: StageChoices) -> tuple[StageFacts, ...]:
    everything = tuple(parameter.name for parameter in spec.parameters)
    groups = {stage: index for index, one in enumerate(choices.groups) for stage in one.stages}
    seen: dict[str, None] = {}
    stages: list[StageFacts] = []
    for stage in spec.pipeline.stages:
        seen |= dict.fromkeys(everything if stage.parameters is None else stage.parameters)
        stages.append(
            StageFacts(
                name=stage.name,
                parameters=tuple(name for name in everything if name in seen),
                group=groups[stage.name],
                fidelity=spec.fidelity is not None and spec.fidelity.stage == stage.name,
                reuse=stage.cache is CachePolicy.REUSE,
                bound_to_type=stage.artifact_depends_on_instance_type,
            )
        )
    return tuple(stages)


def _at_rungs(spec: TuningStudySpec, metric: str) -> bool:
    """Whether the fidelity stage reports the metric, as far as the manifest tells."""
    if spec.fidelity is None:
        return False
    named = [one for one in spec.objectives if one.metric == metric]
    stage = named[0].stage if named else None
    return stage is None or stage == spec.fidelity.stage


def _counted(spec: TuningStudySpec, stage: str | None) -> tuple[int, ...]:
    names = [one.name for one in spec.pipeline.stages]
    return tuple(range(len(names))) if stage is None else (names.index(stage),)


def _price(instance_type: InstanceTypeSpec | None) -> float:
    if instance_type is None:
        return 0.0
    return (instance_type.price_per_hour or 0.0) / SECONDS_PER_HOUR
