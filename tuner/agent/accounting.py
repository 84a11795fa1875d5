"""Objectives, costs and run times from what stages reported and how long they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tuner.agent.jobs import Facts
from tuner.agent.progress import Progress, Values
from tuner.agent.state import Ending, State
from tuner.pipeline.plan import ObjectivePlan, StagePlan, TrialPlan
from tuner.trial import StageOutcome, StageResult

COST = "cost"
RUNTIME = "runtime"
BUILT_IN = (COST, RUNTIME)


def cost_usd(seconds: float, *, stage: StagePlan) -> float:
    """The price of so many seconds on the stage's instance type."""
    return seconds * stage.price_per_hour / 3600.0


def stage_metrics(plan: TrialPlan, *, stage: str, values: Mapping[str, Values]) -> dict[str, float]:
    """One number for each metric: best where an objective says so, else the last."""
    rules = {
        objective.metric: objective
        for objective in plan.objectives
        if objective.stage in (None, stage)
    }
    chosen = {name: _chosen(item, rules.get(name)) for name, item in values.items()}
    return {name: value for name, value in chosen.items() if value is not None}


def cached_result(plan: TrialPlan, *, stage: StagePlan, facts: Facts) -> StageResult:
    """The result of a stage whose artifact was there; `Run` if an earlier attempt made it.

    It has cost nothing yet: only if a later stage runs is the artifact restored.
    """
    own = facts.trial == plan.trial
    return StageResult(
        stage=stage.name,
        outcome=StageOutcome.RUN if own else StageOutcome.CACHED,
        seconds=0.0,
        cost_usd=0.0,
        first_run_seconds=facts.seconds,
        instance_type=facts.instance_type or stage.instance_type,
        predicted=facts.instance_type not in ("", stage.instance_type),
        metrics=stage_metrics(plan, stage=stage.name, values=facts.values),
    )


def with_restore(result: StageResult, *, stage: StagePlan, seconds: float) -> StageResult:
    """The result of a cached stage, with what it took to put its artifact on this disk.

    That of a stage which an earlier attempt of the trial ran stays as it is: its `seconds` are
    seconds of running.
    """
    if result.outcome is not StageOutcome.CACHED:
        return result
    return replace(result, seconds=seconds, cost_usd=cost_usd(seconds, stage=stage))


def run_result(
    plan: TrialPlan, *, state: State, outcome: StageOutcome, message: str = ""
) -> StageResult:
    """The result of the stage that has just ended here."""
    stage = plan.stages[state.index]
    here = state.execution.seconds(state.execution.ended or 0.0)
    return StageResult(
        stage=stage.name,
        outcome=outcome,
        seconds=here,
        cost_usd=cost_usd(here, stage=stage),
        first_run_seconds=state.progress.seconds + here,
        instance_type=stage.instance_type,
        metrics=stage_metrics(plan, stage=stage.name, values=state.progress.values),
        exit_code=state.execution.exit_code,
        message=message or state.misses.get(stage.name, ""),
    )


def trial_metrics(plan: TrialPlan, *, results: Iterable[StageResult]) -> dict[str, float]:
    """Every metric of a trial so far, built-ins over its stages and objectives first.

    Where several stages report a metric, the stage that the objective names counts, else the last.
    """
    by_stage = {result.stage: result for result in results}
    metrics: dict[str, float] = {}
    for result in by_stage.values():
        metrics.update(result.metrics)
    for objective in plan.objectives:
        if objective.stage in by_stage and objective.metric not in BUILT_IN:
            own = by_stage[objective.stage].metrics
            metrics.pop(objective.metric, None)
            metrics.update({k: v for k, v in own.items() if k == objective.metric})
    seconds = {name: result.first_run_seconds for name, result in by_stage.items()}
    metrics.update(built_ins(plan, seconds=seconds))
    first = [*BUILT_IN, *(objective.metric for objective in plan.objectives)]
    return {name: metrics[name] for name in dict.fromkeys([*first, *metrics]) if name in metrics}


def built_ins(plan: TrialPlan, *, seconds: Mapping[str, float]) -> dict[str, float]:
    """Cost and run time from scratch: first-run seconds of the stages at this trial's prices.

    Where an objective names a stage, of that stage alone, and left out while it has not run.
    """
    totals: dict[str, float] = {}
    for name in BUILT_IN:
        only = next((item.stage for item in plan.objectives if item.metric == name), None)
        counted = [
            (stage, seconds[stage.name])
            for stage in plan.stages
            if stage.name in seconds and only in (None, stage.name)
        ]
        if counted:
            totals[name] = sum(
                taken if name == RUNTIME else cost_usd(taken, stage=stage)
                for stage, taken in counted
            )
    return totals


def so_far(plan: TrialPlan, *, state: State, at: float) -> dict[str, float]:
    """Cost and run time up to now, the stage under way included."""
    seconds = {name: result.first_run_seconds for name, result in state.results.items()}
    stage = plan.stages[state.index]
    seconds[stage.name] = state.progress.seconds + state.execution.seconds(at)
    return built_ins(plan, seconds=seconds)


def rung_vector(
    objectives: Iterable[ObjectivePlan], *, progress: Progress, built_in: Mapping[str, float]
) -> tuple[float | None, ...]:
    """The objectives compared at a rung, in order; None for what is not known or not finite."""
    return tuple(
        built_in.get(objective.metric)
        if objective.metric in BUILT_IN
        else _chosen(progress.values.get(objective.metric), objective)
        for objective in objectives
    )


def missing_objective(
    plan: TrialPlan, *, results: Mapping[str, StageResult], at_end: bool
) -> ObjectivePlan | None:
    """The first objective without a value among the stages that have ended.

    Args:
        plan: The trial's plan.
        results: Of the stages that have ended.
        at_end: Whether the pipeline is over, so that objectives of any stage are due as well.
    """
    for objective in plan.objectives:
        if objective.metric in BUILT_IN:
            continue
        if objective.stage is not None:
            result = results.get(objective.stage)
            due, found = result is not None, result and objective.metric in result.metrics
        else:
            due, found = at_end, any(objective.metric in r.metrics for r in results.values())
        if due and not found:
            return objective
    return None


def reached(plan: TrialPlan, *, state: State, ending: Ending) -> float:
    """The fidelity that an attempt reached: full once the fidelity stage has ended well."""
    fidelity = plan.fidelity
    if fidelity is None:
        return 1.0 if ending.outcome == "Completed" else 0.0
    result = state.results.get(fidelity.stage)
    if result is not None and result.outcome in (StageOutcome.RUN, StageOutcome.CACHED):
        return fidelity.maximum
    if fidelity.restart and ending.rung is not None:
        return ending.rung
    if fidelity.restart and state.progress.level < len(fidelity.rungs):
        return fidelity.rungs[state.progress.level] if ending.reason == "Rung" else 0.0
    return state.progress.fidelity


def saved_usd(plan: TrialPlan, *, results: Mapping[str, StageResult]) -> float:
    """What the stages of this segment found in the cache would have cost at this trial's prices."""
    return sum(
        cost_usd(results[stage.name].first_run_seconds, stage=stage)
        for stage in plan.stages
        if stage.run
        and stage.name in results
        and results[stage.name].outcome is StageOutcome.CACHED
    )


def _chosen(values: Values | None, objective: ObjectivePlan | None) -> float | None:
    if values is None:
        return None
    if objective is None:
        return values.last
    return values.chosen(best=objective.best, minimize=objective.minimize)
