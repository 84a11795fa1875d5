"""Recorded pipelines as problems: a surface for the objective and one for each stage's seconds.

One recorded second stands for one virtual minute, on cloud instance types for an hour: pipelines
worth tuning on a cluster take that long, and what a proposal, a restore or the least time of a pod
(30 s of the dearest type) costs beside them should be in proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.protocol import (
    Declared,
    EarlierStudy,
    EarlierTrial,
    ProblemStage,
    Values,
)
from benchmarks.problems.recorded import FOLDER, Recorded, Row
from benchmarks.problems.surrogate import Kernel, Surface
from benchmarks.problems.types import SECONDS_PER_HOUR, Machine, declared_types
from tuner.space import SearchSpace

Array = NDArray[np.float64]

TIME_SCALE = 60.0
CLOUD_TIME_SCALE = 3600.0
RESTORE_SECONDS = 0.03
"""Recorded seconds: what the agent takes to unpack a few megabytes from a store nearby."""


class Predicted:
    """A surface of logarithms over the parameters of the stages up to one of them."""

    def __init__(self, space: SearchSpace, names: tuple[str, ...], surface: Surface) -> None:
        self._space, self._names, self._surface = space, names, surface
        self._known = lru_cache(maxsize=1024)(self._compute)

    def __call__(self, parameters: Values) -> Array:
        """Values (m,); not logarithms."""
        return self._known(tuple(parameters[name] for name in self._names))

    def _compute(self, values: tuple[Any, ...]) -> Array:
        dimensions = self._space.dimensions[: len(values)]
        unit = [one.domain.encode(value) for one, value in zip(dimensions, values, strict=True)]
        predicted: Array = np.exp(self._surface(np.array(unit)))
        return predicted


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A `Problem`; see the module.

    Attributes:
        declared: What it is.
        taken: Recorded seconds by stage.
        final: The objective at the end of the pipeline.
        curve: The objective at `levels` of the fidelity stage; None without fidelity.
        levels: Fidelities, rising.
        machines: By instance type.
        time_scale: Virtual seconds for a recorded one.
    """

    declared: Declared
    taken: Mapping[str, Predicted]
    final: Predicted
    curve: Predicted | None
    levels: tuple[float, ...]
    machines: Mapping[str, Machine]
    time_scale: float

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """See `Problem`; epochs take equally long."""
        full = self.time_scale * float(self.taken[stage](parameters)[0])
        share = fidelity / self.levels[-1] if stage == self._trains else 1.0
        return full * share / self.machines[instance_type].speed(stage)

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """See `Problem`."""
        metric = str(self.declared.objectives[0]["metric"])
        if stage == self.declared.stages[-1].name:
            return {metric: float(self.final(parameters)[0])}
        if self.curve is not None and stage == self._trains:
            logs = np.log(self.curve(parameters))
            return {metric: float(np.exp(np.interp(fidelity, self.levels, logs)))}
        return {}

    @property
    def _trains(self) -> object:
        return (self.declared.fidelity or {}).get("stage")


def replay(
    recorded: Recorded,
    *,
    machines: Mapping[str, Machine] | None = None,
    name: str = "",
    fidelity: bool = True,
    seed: int = 0,
) -> Replay:
    """The replay of a recording's first task.

    Args:
        recorded: With its fit.
        machines: Instance types; with more than one, run time and cost are objectives too.
        name: By default the recording's.
        fidelity: Whether trials can be stopped early, where a curve was recorded.
        seed: Of the instance types on which earlier studies ran.

    Raises:
        KeyError: The recording was not fitted yet.
    """
    several = machines is not None and len(machines) > 1
    machines = machines or {"machine": Machine()}
    scale = CLOUD_TIME_SCALE if several else TIME_SCALE
    stages, last = list(recorded.stages), list(recorded.stages)[-1]
    trains = recorded.facts["fidelity"] if fidelity and recorded.levels else None
    objectives = list(recorded.facts["objectives"])
    if several:
        objectives += [{"metric": one, "direction": "Minimize"} for one in ("runtime", "cost")]
    declared = Declared(
        name=name or recorded.facts["name"],
        parameters=[one for own in recorded.stages.values() for one in own],
        stages=[
            ProblemStage(stage, tuple(str(one["name"]) for one in own))
            for stage, own in recorded.stages.items()
        ],
        objectives=objectives,
        instance_types=declared_types(machines),
        fidelity=trains,
        restore_seconds=scale * RESTORE_SECONDS,
        earlier=[
            _earlier(recorded, task, machines=machines, scale=scale, seed=seed + index)
            for index, task in enumerate(recorded.tasks[1:])
        ],
        facts={
            "description": recorded.facts["description"],
            "time_scale": scale,
            "replay": recorded.facts["replay"],
            "recorded": recorded.facts["recorded"],
        },
    )
    curve = [f"{recorded.metric}@{level:g}" for level in recorded.levels]
    return Replay(
        declared=declared,
        taken={
            stage: _predicted(recorded, f"{stage}_seconds", stage, [f"{stage}_seconds"])
            for stage in stages
        },
        final=_predicted(recorded, recorded.metric, last, [recorded.metric]),
        curve=_predicted(recorded, f"{recorded.metric}@", str(trains["stage"]), curve)
        if trains
        else None,
        levels=recorded.levels,
        machines=machines,
        time_scale=scale,
    )


def read_replay(recording: str, *, folder: Path = FOLDER, **options: Any) -> Replay:
    """The replay of a recording by its name; further options as for `replay`."""
    return replay(Recorded.read(recording, folder=folder), **options)


def _predicted(recorded: Recorded, target: str, stage: str, columns: list[str]) -> Predicted:
    fitted = recorded.facts["replay"][target]
    X, values = recorded.table(recorded.tasks[0], stage=stage, columns=columns)
    kernel = Kernel(np.array(fitted["lengths"]), fitted["noise"])
    return Predicted(
        recorded.space, recorded.names_up_to(stage), Surface(kernel, X, np.log(values))
    )


def _earlier(
    recorded: Recorded, task: str, *, machines: Mapping[str, Machine], scale: float, seed: int
) -> EarlierStudy:
    """A study of another task: what was recorded, on instance types drawn at random."""
    rng = np.random.default_rng(seed)
    names = list(machines)
    trials = tuple(
        _trial(recorded, row, where=where, machine=machines[where], scale=scale)
        for row, where in zip(
            recorded.of(task), rng.choice(names, size=len(recorded.of(task))).tolist(), strict=True
        )
    )
    return EarlierStudy(name=task, data=task, trials=trials)


def _trial(
    recorded: Recorded, row: Row, *, where: str, machine: Machine, scale: float
) -> EarlierTrial:
    seconds = dict(_seconds(recorded, row, speed=machine.speed, scale=scale))
    runtime = sum(seconds.values())
    metric = recorded.metric
    return EarlierTrial(
        parameters=recorded.values(row),
        instance_types=dict.fromkeys(recorded.stages, where),
        metrics={
            metric: float(row[metric]),
            "runtime": runtime,
            "cost": runtime * machine.price_per_hour / SECONDS_PER_HOUR,
        },
        seconds=seconds,
        curve={level: {metric: float(row[f"{metric}@{level:g}"])} for level in recorded.levels},
    )


def _seconds(
    recorded: Recorded, row: Row, *, speed: Callable[[str], float], scale: float
) -> Iterator[tuple[str, float]]:
    for stage in recorded.stages:
        yield stage, scale * float(row[f"{stage}_seconds"]) / speed(stage)
