"""Pipelines of three stages made of test functions and smooth cost curves.

The objective is the sum of one test function a stage; a stage costs the mean over its own
coordinates of (scale g(x) + shift)^2, with g one of cosine, sine, logistic and square, drawn once a
stage: the synthetic problems of Essofi et al. (arXiv 2411.03731), with functions scaled to one
median each and costs scaled to a mean of 100 s a run. `share` is what the stages before the last
cost of that, so it bounds what a cache can save; a share of .3 is the negative control.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.functions import Scaled, functions
from benchmarks.problems.protocol import Declared, ProblemStage, Values
from benchmarks.problems.types import Machine, declared_types

Array = NDArray[np.float64]

STAGES = ("first", "second", "third")
FULL_SECONDS = 100.0
RESTORE_SECONDS = 0.1
SAMPLE = 4096
METRIC = "value"


def _logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-10 * (x - 0.5)))


SHAPES = (
    lambda x: np.cos(2 * np.pi * x),
    lambda x: np.sin(2 * np.pi * x),
    _logistic,
    lambda x: x**2,
)


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Seconds of a stage as a function of its own unit coordinates.

    Attributes:
        shape: Index into SHAPES by coordinate (d,).
        scale: (d,).
        shift: (d,); always above `scale`, so that no configuration is free.
        factor: Seconds per unit.
    """

    shape: tuple[int, ...]
    scale: Array
    shift: Array
    factor: float = 1.0

    @classmethod
    def drawn(cls, dimensions: int, *, seconds: float, seed: int) -> CostCurve:
        """A curve whose mean over the cube is `seconds`."""
        rng = np.random.default_rng(seed)
        curve = cls(
            tuple(int(one) for one in rng.integers(len(SHAPES), size=dimensions)),
            scale=rng.uniform(3.0, 6.0, dimensions),
            shift=rng.uniform(7.0, 9.0, dimensions),
        )
        mean = float(np.mean(curve(np.random.default_rng(0).random((SAMPLE, dimensions)))))
        return cls(curve.shape, curve.scale, curve.shift, factor=seconds / mean)

    def __call__(self, X: Array) -> Array:
        """Seconds (n,) at unit coordinates (n, d)."""
        parts = [
            (scale * SHAPES[shape](x) + shift) ** 2
            for shape, scale, shift, x in zip(self.shape, self.scale, self.shift, X.T, strict=True)
        ]
        return self.factor * np.mean(parts, axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPipeline:
    """A `Problem`; see the module.

    Attributes:
        declared: What it is.
        values: The test function of each stage.
        costs: The cost curve of each stage, on a machine of speed 1.
        machines: By instance type.
    """

    declared: Declared
    values: Mapping[str, Scaled]
    costs: Mapping[str, CostCurve]
    machines: Mapping[str, Machine]

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """See `Problem`."""
        speed = self.machines[instance_type].speed(stage)
        return float(self.costs[stage](self._own(stage, parameters))[0]) / speed

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """See `Problem`: the last stage reports the sum."""
        if stage != STAGES[-1]:
            return {}
        parts = [self.values[one](self._own(one, parameters))[0] for one in STAGES]
        return {METRIC: float(sum(parts))}

    def _own(self, stage: str, parameters: Values) -> Array:
        names = _names(stage, self.values[stage].dimensions)
        return np.array([[float(parameters[name]) for name in names]])


def synthetic(
    *,
    share: float,
    kinds: tuple[str, str, str] = ("branin", "hartmann3", "beale"),
    seed: int = 0,
    machines: Mapping[str, Machine] | None = None,
) -> SyntheticPipeline:
    """A pipeline whose first two stages cost `share` of a run on average.

    Args:
        share: In (0, 1).
        kinds: The test functions of the stages.
        seed: Of the cost curves.
        machines: Instance types; with more than one, cost and run time are objectives too.
    """
    known = functions()
    values = dict(zip(STAGES, (known[kind] for kind in kinds), strict=True))
    seconds = {"first": 0.55 * share, "second": 0.45 * share, "third": 1 - share}
    costs = {
        stage: CostCurve.drawn(
            values[stage].dimensions, seconds=FULL_SECONDS * seconds[stage], seed=seed + index
        )
        for index, stage in enumerate(STAGES)
    }
    named = {stage: _names(stage, values[stage].dimensions) for stage in STAGES}
    several = machines is not None and len(machines) > 1
    objectives = [{"metric": METRIC, "direction": "Minimize"}]
    if several:
        objectives += [{"metric": name, "direction": "Minimize"} for name in ("runtime", "cost")]
    machines = machines or {"machine": Machine()}
    declared = Declared(
        name=f"synthetic-{round(100 * share)}{'-types' if several else ''}",
        parameters=[
            {"name": name, "float": {"min": 0.0, "max": 1.0}}
            for names in named.values()
            for name in names
        ],
        stages=[ProblemStage(stage, names) for stage, names in named.items()],
        objectives=objectives,
        instance_types=declared_types(machines),
        restore_seconds=RESTORE_SECONDS,
        facts={"kinds": list(kinds), "share": share, "mean_seconds": FULL_SECONDS, "optimum": 0.0},
    )
    return SyntheticPipeline(declared=declared, values=values, costs=costs, machines=machines)


def _names(stage: str, dimensions: int) -> tuple[str, ...]:
    return tuple(f"{stage}_{index}" for index in range(dimensions))
