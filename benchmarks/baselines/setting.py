"""What a baseline is told of a study once, and what it has seen of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.cube import Cube
from tuner.hardware import StageChoices
from tuner.searchers._protocol import History
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import Proposed
from tuner.space import SearchSpace
from tuner.space.batch import snap
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.surrogates import FeatureMap, Points
from tuner.trial import StageResult

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One study with one objective and one choice of instance types.

    Attributes:
        spec: The study.
        space: Its d parameters.
        choices: Its instance types, one for each group of stages.
        instance_types: Their specs by name.
        warm_up: How many trials come before any method has a say.
    """

    spec: TuningStudySpec
    space: SearchSpace
    choices: StageChoices
    instance_types: Mapping[str, InstanceTypeSpec]
    warm_up: int = 10

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages' names in order."""
        return tuple(stage.name for stage in self.spec.pipeline.stages)

    @cached_property
    def blocks(self) -> tuple[NDArray[np.intp], ...]:
        """Of each stage, the coordinates that no earlier stage depends on."""
        seen: set[str] = set()
        blocks = []
        for stage in self.spec.pipeline.stages:
            names = self.space.names if stage.parameters is None else stage.parameters
            new = [name for name in names if name not in seen]
            seen.update(new)
            blocks.append(np.array([self.space.names.index(name) for name in new], dtype=np.intp))
        return tuple(blocks)

    @cached_property
    def early(self) -> tuple[int, ...]:
        """The stages, by index, whose artifacts save something: with parameters, not the last."""
        return tuple(k for k in range(len(self.stages) - 1) if len(self.blocks[k]))

    def before(self, stage: int) -> NDArray[np.intp]:
        """The coordinates that the stages before this one depend on."""
        return np.concatenate([np.zeros(0, dtype=np.intp), *self.blocks[:stage]])

    @cached_property
    def features(self) -> FeatureMap:
        """From points to the models' inputs."""
        return FeatureMap(space=self.space, groups=self.choices.groups, type_features={})

    @cached_property
    def joint(self) -> JointSpace:
        """Where proposals lie."""
        return JointSpace(self.space, self.choices)

    @cached_property
    def cube(self) -> Cube:
        """The space as the candidates' generator sees it; one instance type for each group."""
        return Cube.of(self.space, self.choices)

    @property
    def budget(self) -> float:
        """What the study may spend, in the unit of `Seen.spent`."""
        return self.spec.budget.max_cost or float("inf")

    def points(self, unit: Array) -> Points:
        """The snapped points at coordinates of shape (n, d)."""
        snapped = snap(self.space, unit)
        groups = len(self.choices.groups)
        return Points(
            unit=snapped.unit,
            active=snapped.active,
            types=np.zeros((len(unit), groups), dtype=np.intp),
            fidelity=np.ones(len(unit)),
        )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The trials that have completed, n of them, in the log's order.

    Attributes:
        points: Where they lie, n points.
        values: The objective, to be minimised, shape (n,).
        seconds: What the first run of each stage took, shape (n, K).
        proposed: All that was ever proposed.
        warm_up_spent: What the warm-up cost, as the sum of its stages.
        spent: What has been charged until now.
    """

    points: Points
    values: Array
    seconds: Array
    proposed: Proposed
    warm_up_spent: float
    spent: float

    def __len__(self) -> int:
        return len(self.values)

    @property
    def best(self) -> float:
        """The least value."""
        return float(self.values.min())

    @classmethod
    def of(cls, history: History, *, setting: Setting) -> Seen:
        """What a history says, as arrays."""
        (objective,) = setting.spec.objectives
        sign = 1.0 if objective.minimize else -1.0
        trials = {trial.name: trial for trial in history.trials}
        full = [one for one in history.observations if one.full and one.trial in history.stages]
        unit = [setting.space.encode(trials[one.trial].parameters) for one in full]
        stages = [history.stages[one.trial] for one in full]
        charged = [sum(stage.cost_usd for stage in of_trial) for of_trial in stages]
        return cls(
            points=setting.points(np.array(unit).reshape(-1, len(setting.space))),
            values=np.array([sign * one.metrics[objective.metric] for one in full]),
            seconds=np.array([_first_runs(one, setting.stages) for one in stages]),
            proposed=Proposed.of(history, joint=setting.joint),
            warm_up_spent=sum(charged[: setting.warm_up]),
            spent=history.spent_usd,
        )


def _first_runs(results: Sequence[StageResult], stages: Sequence[str]) -> list[float]:
    by_stage = {one.stage: one.first_run_seconds for one in results}
    return [by_stage[name] for name in stages]
