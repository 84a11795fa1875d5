"""From what the caller tells of a trial to what an agent would have written: pure.

Whatever breaks a rule is refused before anything is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import SupportsFloat

from tuner.agent.accounting import built_ins, cost_usd
from tuner.agent.progress import Progress
from tuner.errors import NotTold
from tuner.pipeline import StagePlan, TrialPlan
from tuner.spec import BUILT_IN
from tuner.spec.problems import did_you_mean
from tuner.trial import StageOutcome, StageResult

Numbers = Mapping[str, SupportsFloat]


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What it took to make an output that is kept, and where."""

    seconds: float
    instance_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long the stages took.

    Attributes:
        seconds: What each stage took here; restoring time of a cached one. Empty: not told.
        cached: Stages whose output was there already.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    cached: Mapping[str, FirstRun] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether there are any."""
        return bool(self.seconds or self.cached)


def read_metrics(metrics: Numbers, *, finite: bool = True) -> dict[str, float]:
    """The values of metrics as floats.

    Args:
        metrics: As the caller gave them.
        finite: Whether NaN and infinity are refused.

    Raises:
        NotTold: Something is no number, or is a built-in, which follows from seconds and prices.
    """
    for name in metrics:
        if name in BUILT_IN:
            raise NotTold(
                f'metrics: "{name}" is built in; tell stage_seconds, from which it follows'
            )
    return {name: _number(value, f'metrics: "{name}"', finite) for name, value in metrics.items()}


def read_seconds(seconds: Numbers, *, plan: TrialPlan, where: str) -> dict[str, float]:
    """Seconds by stage. Raises NotTold for unknown stages and negative or infinite times."""
    known = [stage.name for stage in plan.stages]
    read: dict[str, float] = {}
    for name, value in seconds.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"the stages are {', '.join(known)}"
            raise NotTold(f'{where}: there is no stage "{name}"; {hint}')
        read[name] = _number(value, f'{where}: "{name}"', True)
        if read[name] < 0:
            raise NotTold(f'{where}: "{name}" took {read[name]:g} seconds; it cannot be negative')
    return read


def stage_results(
    plan: TrialPlan,
    *,
    times: Times,
    metrics: Mapping[str, float],
    last: StageOutcome,
    until: str | None,
) -> tuple[StageResult, ...]:
    """How the stages went, as far as their times were told.

    Args:
        plan: The trial's, all stages.
        times: Of a leading run of its stages.
        metrics: Go with the stage that an objective names, else with the last stage told of.
        last: How the last stage told of ended, unless it was cached.
        until: The stage up to which there must be times; None for any.

    Raises:
        NotTold: A stage has no time, and a later one has.
    """
    if not times.told:
        return ()
    covered = [one for one in plan.stages if one.name in times.seconds or one.name in times.cached]
    names = [one.name for one in covered]
    needed = [one.name for one in plan.stages]
    needed = needed[: 1 + needed.index(names[-1] if until is None else until)]
    for name in needed:
        if name not in names:
            raise NotTold(
                f'stage_seconds: stage "{name}" is missing; if its output was there already, '
                "name it in cached"
            )
    if len(names) > len(needed):
        raise NotTold(f'stage_seconds: stage "{names[-1]}" comes after stage "{needed[-1]}"')
    owners = {one.metric: one.stage for one in plan.objectives}
    return tuple(
        _result(
            stage,
            times=times,
            outcome=last if stage.name == names[-1] else StageOutcome.RUN,
            metrics={
                metric: value
                for metric, value in metrics.items()
                if stage.name == (owners.get(metric) or names[-1])
            },
        )
        for stage in covered
    )


def chosen_values(plan: TrialPlan, *, progress: Progress) -> dict[str, float]:
    """The value of every metric: of an objective the best where it asks for that, else the last."""
    rules = {one.metric: one for one in plan.objectives}
    values: dict[str, float] = {}
    for metric, each in progress.values.items():
        rule = rules.get(metric)
        value = each.last if rule is None else each.chosen(best=rule.best, minimize=rule.minimize)
        if value is not None:
            values[metric] = value
    return values


def with_built_ins(
    plan: TrialPlan, values: Mapping[str, float], *, results: Iterable[StageResult]
) -> dict[str, float]:
    """The values with cost and run time from scratch, as far as times were told."""
    seconds = {one.stage: one.first_run_seconds for one in results}
    return {**built_ins(plan, seconds=seconds), **values} if seconds else dict(values)


def require(names: Iterable[str], *, values: Mapping[str, float]) -> None:
    """Raises NotTold unless there is a value for every name."""
    for name in names:
        if name in values:
            continue
        if name in BUILT_IN:
            raise NotTold(f'stage_seconds: "{name}" follows from the seconds of every stage')
        spare = [one for one in values if one not in BUILT_IN]
        hint = did_you_mean(name, spare)
        told = f'; "{spare[0]}" was told' if hint and spare else ""
        raise NotTold(f'metrics: "{name}" is missing{told}')


def _result(
    stage: StagePlan, *, times: Times, outcome: StageOutcome, metrics: Mapping[str, float]
) -> StageResult:
    here = times.seconds.get(stage.name, 0.0)
    first = times.cached.get(stage.name)
    made = first or FirstRun(here, stage.instance_type)
    return StageResult(
        stage=stage.name,
        outcome=outcome if first is None else StageOutcome.CACHED,
        seconds=here,
        cost_usd=cost_usd(here, stage=stage),
        first_run_seconds=made.seconds,
        instance_type=made.instance_type,
        predicted=made.instance_type != stage.instance_type,
        metrics=metrics,
    )


def _number(value: SupportsFloat, where: str, finite: bool) -> float:
    if isinstance(value, str | bool):
        raise NotTold(f"{where} should be a number, not {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise NotTold(f"{where} should be a number, not {value!r}") from error
    if finite and not math.isfinite(number):
        raise NotTold(f"{where} is {number}; tell a trial without a result by fail()")
    return number
