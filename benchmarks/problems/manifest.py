"""From a problem to what the rest of the project understands: spec, instance types, blackbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.problems.protocol import Problem, Values
from benchmarks.problems.types import SECONDS_PER_HOUR
from tuner.hardware import StageChoices, resolve
from tuner.pipeline import StagePlan, TrialPlan
from tuner.space import SearchSpace
from tuner.spec import InstanceType, Parameter, TuningStudySpec
from tuner.trial import ParameterValue

NAMED_TYPES = 64
"""So many instance types a manifest may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a run ends; at least one bound.

    Attributes:
        usd: `maxCost`.
        seconds: `maxDuration`, in virtual time from the first trial on.
        trials: `maxTrials`.
    """

    usd: float | None = None
    seconds: float | None = None
    trials: int | None = None


def spec_of(
    problem: Problem,
    *,
    budget: Budget,
    seed: int = 0,
    cache: bool = True,
    parallel: int = 1,
    **extra: Any,
) -> TuningStudySpec:
    """The study that tunes the problem; `extra` are further fields as in a manifest."""
    declared = problem.declared
    policy = "Reuse" if cache else "Never"
    bounds = {
        "maxCost": budget.usd,
        "maxTrials": budget.trials,
        "maxDuration": None if budget.seconds is None else _duration(budget.seconds),
    }
    fields = {
        "objectives": list(declared.objectives),
        "parameters": list(declared.parameters),
        "hardware": _hardware(list(declared.instance_types)),
        "pipeline": {
            "image": "problem",
            "stages": [
                {
                    "name": stage.name,
                    "command": [stage.name],
                    "parameters": list(stage.parameters),
                    "cache": policy,
                }
                for stage in declared.stages
            ],
        },
        "searcher": {"type": "Random", "seed": seed},
        "parallelTrials": parallel,
        "budget": {name: bound for name, bound in bounds.items() if bound is not None},
    }
    if declared.fidelity is not None:
        fields["fidelity"] = declared.fidelity
    return TuningStudySpec.model_validate({**fields, **extra})


def _hardware(types: list[str]) -> dict[str, object]:
    """By name, or, more than a manifest may name, all that there are."""
    return {"instanceTypes": types} if len(types) <= NAMED_TYPES else {"selector": {}}


def instance_types_of(problem: Problem) -> list[InstanceType]:
    """The instance types, as objects of the cluster."""
    return [
        InstanceType.model_validate({"metadata": {"name": name}, "spec": spec})
        for name, spec in problem.declared.instance_types.items()
    ]


def space_of(problem: Problem) -> SearchSpace:
    """The search space."""
    return SearchSpace.from_parameters(
        [Parameter.model_validate(one) for one in problem.declared.parameters]
    )


def choices_of(problem: Problem) -> StageChoices:
    """The instance types that stages may use."""
    spec = spec_of(problem, budget=Budget(trials=1))
    return resolve(spec, catalogue=instance_types_of(problem), namespace="local")


@dataclass(frozen=True, slots=True)
class ProblemBlackbox:
    """A problem as the simulated backend asks it."""

    problem: Problem

    def seconds(self, plan: TrialPlan, *, stage: StagePlan, fidelity: float) -> float:
        """See `Blackbox`."""
        return self.problem.seconds(
            stage.name,
            _values(plan, stage=stage),
            instance_type=stage.instance_type,
            fidelity=fidelity,
        )

    def metrics(self, plan: TrialPlan, *, stage: StagePlan, fidelity: float) -> Mapping[str, float]:
        """See `Blackbox`."""
        return self.problem.metrics(
            stage.name,
            _values(plan, stage=stage),
            instance_type=stage.instance_type,
            fidelity=fidelity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRun:
    """What a configuration comes to from scratch, at full fidelity.

    Attributes:
        seconds: By stage.
        usd: By stage.
        metrics: Every metric, `runtime` and `cost` included.
    """

    seconds: Mapping[str, float]
    usd: Mapping[str, float]
    metrics: Mapping[str, float]


def full_run(problem: Problem, parameters: Values, *, instance_types: Mapping[str, str]) -> FullRun:
    """Computes one configuration, without a study.

    Args:
        problem: Which pipeline.
        parameters: Of all stages.
        instance_types: By stage.
    """
    declared = problem.declared
    trains = (declared.fidelity or {}).get("stage")
    full = float((declared.fidelity or {"max": 1}).get("max", 1))  # type: ignore[arg-type]
    known: dict[str, ParameterValue] = {}
    seconds, usd, metrics = {}, {}, {}
    for stage in declared.stages:
        known |= {name: parameters[name] for name in stage.parameters if name in parameters}
        where = instance_types[stage.name]
        fidelity = full if stage.name == trains else 1.0
        taken = problem.seconds(stage.name, known, instance_type=where, fidelity=fidelity)
        price = float(declared.instance_types[where].get("pricePerHour", 0.0))  # type: ignore[arg-type]
        seconds[stage.name] = taken
        usd[stage.name] = taken * price / SECONDS_PER_HOUR
        metrics |= problem.metrics(stage.name, known, instance_type=where, fidelity=fidelity)
    metrics |= {"runtime": sum(seconds.values()), "cost": sum(usd.values())}
    return FullRun(seconds=seconds, usd=usd, metrics=metrics)


def sample_runs(problem: Problem, *, count: int, seed: int = 0) -> list[FullRun]:
    """Full runs of random configurations on random instance types."""
    rng = np.random.default_rng(seed)
    space, choices = space_of(problem), choices_of(problem)
    runs = []
    for _ in range(count):
        chosen = [group.types[int(rng.integers(len(group.types)))] for group in choices.groups]
        runs.append(full_run(problem, space.sample(rng), instance_types=choices.assign(chosen)))
    return runs


def median_usd(problem: Problem, *, count: int = 256) -> float:
    """What a random configuration costs from scratch in the middle, in USD."""
    return float(np.median([run.metrics["cost"] for run in sample_runs(problem, count=count)]))


def _values(plan: TrialPlan, *, stage: StagePlan) -> dict[str, ParameterValue]:
    """Parameters of the stage and of those before it."""
    values: dict[str, ParameterValue] = {}
    for one in plan.stages:
        values |= one.parameters
        if one.name == stage.name:
            break
    return values


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"
