"""A made-up study of any length: 14 mixed parameters and the type, 3 objectives, 3 stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner.hardware import StageChoices, resolve
from tuner.searchers import History, Suggestion
from tuner.searchers.joint import Configuration, JointSpace
from tuner.space import SearchSpace
from tuner.spec import InstanceType, InstanceTypeSpec, TuningStudySpec
from tuner.trial import Observation, ParameterValue, StageOutcome, StageResult, Trial

PRICES = {"small": 0.2, "large": 0.7}
SPEED = {"small": 1.0, "large": 2.5}
SHARED = 0.5
"""Share of trials that take the leading stages of an earlier one."""
EXPENSIVE = 3600.0

STAGES: dict[str, tuple[Mapping[str, Any], ...]] = {
    "prepare": (
        {"name": "tokens", "integer": {"min": 1000, "max": 50_000, "scale": "Log"}},
        {"name": "ngrams", "integer": {"min": 1, "max": 3}},
        {"name": "lowercase", "categorical": {"choices": ["yes", "no"]}},
        {"name": "threshold", "float": {"min": 0.0, "max": 0.5}},
    ),
    "embed": (
        {"name": "method", "categorical": {"choices": ["svd", "nmf", "hash"]}},
        {"name": "components", "ordinal": {"values": [16, 32, 64, 128, 256]}},
        {"name": "tolerance", "float": {"min": 1e-6, "max": 1e-1, "scale": "Log"}},
        {"name": "power", "float": {"min": 0.0, "max": 1.0}},
    ),
    "train": (
        {"name": "optimizer", "categorical": {"choices": ["adam", "sgd"]}},
        {"name": "lr", "float": {"min": 1e-5, "max": 1.0, "scale": "Log"}},
        {"name": "momentum", "float": {"min": 0.0, "max": 0.99},
         "when": {"parameter": "optimizer", "in": ["sgd"]}},
        {"name": "decay", "float": {"min": 1e-7, "max": 1e-1, "scale": "Log"}},
        {"name": "batch", "ordinal": {"values": [32, 64, 128, 256]}},
        {"name": "dropout", "float": {"min": 0.0, "max": 0.8}},
    ),
}  # fmt: skip


@dataclass
class MadeUpStudy:
    """A study whose trials are computed at once, and its history so far."""

    seed: int = 0
    trials: list[Trial] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    stages: dict[str, tuple[StageResult, ...]] = field(default_factory=dict)
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _spent: float = 0.0

    @classmethod
    def of_length(cls, length: int, *, seed: int = 0) -> MadeUpStudy:
        """A study of so many random trials, half of which took stages from the cache."""
        study = cls(seed=seed)
        joint, rng = study.joint, np.random.default_rng(seed)
        for _ in range(length):
            configuration = joint.from_unit(rng.random(len(joint)))
            if study.trials and rng.random() < SHARED:
                earlier = study.trials[int(rng.integers(len(study.trials)))]
                configuration = _with_stages(configuration, earlier, depth=int(rng.integers(1, 3)))
            study.run(
                Suggestion(
                    parameters=configuration.parameters,
                    instance_types=joint.choices.assign(configuration.chosen),
                )
            )
        return study

    @property
    def spec(self) -> TuningStudySpec:
        """As its manifest would have it."""
        return SPEC

    @property
    def joint(self) -> JointSpace:
        """Parameters and instance type."""
        return JointSpace(SPACE, CHOICES)

    @property
    def history(self) -> History:
        """All trials have ended."""
        return History(
            trials=tuple(self.trials),
            observations=tuple(self.observations),
            stages=dict(self.stages),
            started=len(self.trials),
            spent_usd=self._spent,
            elapsed_seconds=60.0 * len(self.trials),
        )

    def run(self, suggestion: Suggestion) -> None:
        """Adds one trial with its results."""
        number = len(self.trials)
        name = f"latency-0-{number}"
        trial = Trial(name=name, worker=0, number=number, parameters=suggestion.parameters,
                      instance_types=suggestion.instance_types)  # fmt: skip
        kind = trial.instance_types["train"]
        seconds = _seconds(trial.parameters, speed=SPEED[kind])
        results, known = [], True
        for depth, stage in enumerate(STAGES, start=1):
            key = _key(trial.parameters, depth=depth)
            known = known and key in self._seen
            self._seen.add(key)
            taken = 0.5 if known else seconds[stage]
            results.append(
                StageResult(
                    stage=stage,
                    outcome=StageOutcome.CACHED if known else StageOutcome.RUN,
                    seconds=taken,
                    cost_usd=taken * PRICES[kind] / EXPENSIVE,
                    first_run_seconds=seconds[stage],
                    instance_type=kind,
                )
            )
        total = sum(seconds.values())
        metrics = {"error": _error(trial.parameters), "runtime": total,
                   "cost": total * PRICES[kind] / EXPENSIVE}  # fmt: skip
        self.trials.append(trial)
        self.stages[name] = tuple(results)
        self._spent += sum(one.cost_usd for one in results)
        self.observations.append(Observation(trial=name, fidelity=1.0, metrics=metrics, full=True))


def _with_stages(configuration: Configuration, earlier: Trial, *, depth: int) -> Configuration:
    """The configuration with the first stages of an earlier trial."""
    names = {str(one["name"]) for group in list(STAGES.values())[:depth] for one in group}
    kept = {name: value for name, value in earlier.parameters.items() if name in names}
    return Configuration({**configuration.parameters, **kept}, configuration.chosen)


def _key(parameters: Mapping[str, ParameterValue], *, depth: int) -> tuple[object, ...]:
    groups = list(STAGES.values())[:depth]
    names = [str(one["name"]) for group in groups for one in group]
    return (depth, *(parameters.get(name) for name in names))


def _seconds(parameters: Mapping[str, ParameterValue], *, speed: float) -> dict[str, float]:
    number = _numbers(parameters)
    tokens, components = number["tokens"] / 1e4, number["components"] / 64
    return {
        "prepare": (20 + 30 * tokens * number["ngrams"]) / speed**0.5,
        "embed": (10 + 25 * tokens**0.5 * components) / speed**0.8,
        "train": (15 + 60 * components * (128 / number["batch"]) ** 0.5) / speed,
    }


def _error(parameters: Mapping[str, ParameterValue]) -> float:
    number = _numbers(parameters)
    rate = math.log10(number["lr"]) + (1.0 if parameters["optimizer"] == "sgd" else 2.5)
    error = 0.08 + 0.03 * rate**2 / (1 + 0.2 * rate**2) + 0.2 * (number["dropout"] - 0.2) ** 2
    error += 0.2 * (number.get("momentum", 0.8) - 0.85) ** 2
    error += 0.05 / math.log2(number["components"]) + 0.1 / math.log10(number["tokens"])
    error += {"svd": 0.0, "nmf": 0.02, "hash": 0.05}[str(parameters["method"])]
    return error + 0.003 * abs(math.log10(number["decay"]) + 4) + 0.02 * number["threshold"]


def _numbers(parameters: Mapping[str, ParameterValue]) -> dict[str, float]:
    return {name: float(x) for name, x in parameters.items() if not isinstance(x, str)}


SPEC = TuningStudySpec.model_validate({
    "objectives": [
        {"metric": metric, "direction": "Minimize"} for metric in ("error", "cost", "runtime")
    ],
    "parameters": [one for group in STAGES.values() for one in group],
    "hardware": {"instanceTypes": list(PRICES)},
    "pipeline": {
        "image": "latency",
        "stages": [
            {"name": stage, "command": [stage], "parameters": [one["name"] for one in group]}
            for stage, group in STAGES.items()
        ],
    },
    "searcher": {"type": "Auto"},
    "budget": {"maxTrials": 100_000},
})  # fmt: skip
SPACE = SearchSpace.from_parameters(SPEC.parameters)
TYPES: dict[str, InstanceTypeSpec] = {
    name: InstanceTypeSpec.model_validate(
        {"pricePerHour": price, "resources": {"cpu": str(int(4 * SPEED[name])), "memory": "16Gi"}}
    )
    for name, price in PRICES.items()
}
CHOICES: StageChoices = resolve(
    SPEC,
    catalogue=[
        InstanceType.model_validate(
            {"metadata": {"name": name}, "spec": spec.model_dump(by_alias=True, exclude_none=True)}
        )
        for name, spec in TYPES.items()
    ],
    namespace="default",
)
