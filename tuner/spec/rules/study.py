"""Rules of a study as a whole: objectives, fidelity, budget, hardware, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tuner.spec.base import LABEL_PATTERN
from tuner.spec.instance_type import InstanceType
from tuner.spec.objectives import BUILT_IN, Constraint, Direction, Objective
from tuner.spec.pipeline import Fidelity, Hardware
from tuner.spec.problems import did_you_mean
from tuner.spec.rule import Finding, Rule, exactly_one
from tuner.spec.study import MAX_NAME, Budget, SchedulerType, TuningStudy, TuningStudySpec
from tuner.spec.trial import TuningTrial

MAX_TYPE_NAME = 63
"""Longest name of an instance type: it is a label's value on pods."""

_GENERATED_LENGTH = 5


def _bad_study_name(study: TuningStudy) -> Iterator[Finding]:
    meta = study.metadata
    where = ("metadata", "name" if meta.name else "generateName")
    name = meta.name or f"{meta.generate_name or ''}{'x' * _GENERATED_LENGTH}"
    if len(name) > MAX_NAME or not re.match(LABEL_PATTERN, name):
        yield Finding(where=where)


def _bad_type_name(instance_type: InstanceType) -> Iterator[Finding]:
    if len(instance_type.metadata.name) > MAX_TYPE_NAME:
        yield Finding(where=("metadata", "name"))


def _bad_trial_name(trial: TuningTrial) -> Iterator[Finding]:
    spec = trial.spec
    wanted = f"{spec.study}-{spec.worker}-{spec.number}"
    if trial.metadata.name != wanted:
        yield Finding(where=("metadata", "name"), message=f'must be "{wanted}"')


def _maximized_built_in(objective: Objective) -> Iterator[Finding]:
    if objective.metric in BUILT_IN and objective.direction is not Direction.MINIMIZE:
        yield Finding(
            where=("direction",),
            message=f'"{objective.metric}" is built in and always minimized',
            suggestion="use Minimize, or give the metric another name",
        )


def _unbounded(constraint: Constraint) -> Iterator[Finding]:
    if constraint.min is None and constraint.max is None:
        yield Finding()


def _empty_bounds(constraint: Constraint) -> Iterator[Finding]:
    low, high = constraint.min, constraint.max
    if low is not None and high is not None and low > high:
        yield Finding(where=("min",))


def _unknown_stages(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [stage.name for stage in spec.pipeline.stages]
    named = {
        **{("objectives", i, "stage"): o.stage for i, o in enumerate(spec.objectives)},
        **{("constraints", i, "stage"): c.stage for i, c in enumerate(spec.constraints or ())},
    }
    for where, stage in named.items():
        if stage is not None and stage not in names:
            yield Finding(
                where=where,
                message=f'"{stage}" is not in spec.pipeline.stages',
                suggestion=did_you_mean(stage, names),
            )


def _inverted(fidelity: Fidelity) -> Iterator[Finding]:
    if fidelity.min > fidelity.max:
        yield Finding(
            where=("min",), message=f"min must not exceed max, but {fidelity.min} > {fidelity.max}"
        )


def _without_stage(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [stage.name for stage in spec.pipeline.stages]
    if spec.fidelity is not None and spec.fidelity.stage not in names:
        yield Finding(
            where=("fidelity", "stage"),
            message=f'"{spec.fidelity.stage}" is not in spec.pipeline.stages',
            suggestion=did_you_mean(spec.fidelity.stage, names),
        )


def _without_fidelity(spec: TuningStudySpec) -> Iterator[Finding]:
    wanted = spec.scheduler is not None and spec.scheduler.type is SchedulerType.HYPERBAND
    if wanted and spec.fidelity is None:
        yield Finding(where=("scheduler",), suggestion="add spec.fidelity, or use type None")


def _endless(budget: Budget) -> Iterator[Finding]:
    limits = (budget.max_trials, budget.max_cost, budget.max_duration, budget.deadline)
    if all(limit is None for limit in limits):
        yield Finding()


RULES: tuple[Rule[Any], ...] = (
    Rule(
        on=TuningStudy,
        message=f"metadata.name must be a DNS label of at most {MAX_NAME} characters",
        cel=(
            f"self.metadata.name.size() <= {MAX_NAME} && "
            f"self.metadata.name.matches('{LABEL_PATTERN}')"
        ),
        check=_bad_study_name,
    ),
    Rule(
        on=InstanceType,
        message=f"metadata.name must have at most {MAX_TYPE_NAME} characters",
        cel=f"self.metadata.name.size() <= {MAX_TYPE_NAME}",
        check=_bad_type_name,
    ),
    Rule(
        on=TuningTrial,
        message="metadata.name must be STUDY-WORKER-NUMBER",
        cel=(
            "self.metadata.name.matches('^.*-[0-9]{1,4}-[0-9]{1,8}$') && "
            "self.metadata.name.startsWith(self.spec.study + '-') && "
            "int(self.metadata.name.substring(self.metadata.name.lastIndexOf('-') + 1)) "
            "== self.spec.number"
        ),
        check=_bad_trial_name,
    ),
    Rule(
        on=Objective,
        field=".direction",
        message="cost and runtime are built in and always minimized",
        cel="!(self.metric in ['cost', 'runtime']) || self.direction == 'Minimize'",
        check=_maximized_built_in,
    ),
    Rule(
        on=Constraint,
        message="a constraint needs min or max",
        cel="has(self.min) || has(self.max)",
        check=_unbounded,
    ),
    Rule(
        on=Constraint,
        message="min must not exceed max",
        cel="!has(self.min) || !has(self.max) || self.min <= self.max",
        check=_empty_bounds,
    ),
    Rule(
        on=TuningStudySpec,
        field=".objectives",
        message="stage must name one of spec.pipeline.stages",
        cel=(
            "self.objectives.all(o, !has(o.stage) || "
            "self.pipeline.stages.exists(s, s.name == o.stage)) && "
            "(!has(self.constraints) || self.constraints.all(c, !has(c.stage) || "
            "self.pipeline.stages.exists(s, s.name == c.stage)))"
        ),
        check=_unknown_stages,
    ),
    Rule(
        on=Fidelity, message="min must not exceed max", cel="self.min <= self.max", check=_inverted
    ),
    Rule(
        on=TuningStudySpec,
        field=".fidelity.stage",
        message="fidelity.stage must name one of spec.pipeline.stages",
        cel=(
            "!has(self.fidelity) || self.pipeline.stages.exists(s, s.name == self.fidelity.stage)"
        ),
        check=_without_stage,
    ),
    Rule(
        on=TuningStudySpec,
        field=".scheduler",
        message="Hyperband needs spec.fidelity",
        cel="!has(self.scheduler) || self.scheduler.type != 'Hyperband' || has(self.fidelity)",
        check=_without_fidelity,
    ),
    Rule(
        on=Budget,
        message="budget needs one of maxTrials, maxCost, maxDuration, deadline",
        cel=(
            "has(self.maxTrials) || has(self.maxCost) || has(self.maxDuration) || "
            "has(self.deadline)"
        ),
        check=_endless,
    ),
    exactly_one(Hardware, "instanceTypes", "selector"),
)
