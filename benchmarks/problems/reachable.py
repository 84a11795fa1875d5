"""What can be reached on a problem at all: its front by brute force, and shares of its volume.

Objectives that are minimised and positive enter as logarithms, scaled so that 0 is the best found
and 1 the reference: the value that 95 % of random configurations do not exceed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.manifest import choices_of, full_run, space_of
from benchmarks.problems.protocol import Problem
from benchmarks.trace import Trace
from tuner.pareto import hypervolume, pareto_front
from tuner.searchers.joint import Configuration, JointSpace

Array = NDArray[np.float64]

REFERENCE = 0.95
STEPS = (0.02, 0.1, 0.4)
"""Sizes of moves in unit coordinates."""


@dataclass(frozen=True)
class Scale:
    """How objectives are compared.

    Attributes:
        signs: By metric, 1 where lower is better, -1 where higher is.
        logs: By metric, whether its logarithm counts.
        low: Best found (M,).
        high: Reference (M,).
    """

    signs: Mapping[str, float]
    logs: Mapping[str, bool]
    low: Array
    high: Array

    def __call__(self, metrics: Iterable[Mapping[str, float]]) -> Array:
        """Scaled vectors (n, M); 0 is the best, 1 the reference."""
        raw = np.array([_raw(one, self.signs, self.logs) for one in metrics])
        scaled: Array = (raw.reshape(-1, len(self.low)) - self.low) / (self.high - self.low)
        return scaled


@dataclass(frozen=True)
class Reachable:
    """A problem's front, found without counting what it costs.

    Attributes:
        problem: Whose.
        scale: Of the objectives.
        front: Scaled vectors (k, M).
        metrics: Of the front's members (k), as a study would report them.
        configurations: The front's members (k).
        volume: Dominated by the front.
    """

    problem: Problem
    scale: Scale
    front: Array
    metrics: Sequence[Mapping[str, float]]
    configurations: Sequence[Configuration]
    volume: float

    def share(self, metrics: Iterable[Mapping[str, float]]) -> float:
        """Which share of the reachable hypervolume some results dominate."""
        return volume_of(self.scale(metrics)) / self.volume

    def curve(self, trace: Trace) -> Array:
        """That share after each trial of a run, shape (n,); full runs alone count.

        They count for what they come to from scratch, on their own instance types. What a trial
        reports is that of the types on which its stages ran first: of stages that another type
        left in the cache it has the seconds of the one at the price of the other, and no
        configuration need have those.
        """
        found: list[Mapping[str, float]] = []
        shares = []
        for trial in trace.trials:
            if trial.completed:
                types = trial.instance_types
                found.append(full_run(self.problem, trial.parameters, instance_types=types).metrics)
                front = self.scale(found)
                kept = pareto_front(front.tolist(), minimize=[True] * front.shape[1])
                found = [found[index] for index in kept]
            shares.append(self.share(found) if found else 0.0)
        return np.array(shares)

    def usd_to(self, trace: Trace, share: float) -> float:
        """Dollars until a run dominates that share; infinite if it never does."""
        reached = self.curve(trace) >= share
        return float(trace.spent_usd[np.argmax(reached)]) if reached.any() else float("inf")


@dataclass(frozen=True, slots=True)
class _Tried:
    unit: Array
    configuration: Configuration
    metrics: Mapping[str, float]


def reachable(
    problem: Problem, *, samples: int = 2000, rounds: int = 60, children: int = 300, seed: int = 0
) -> Reachable:
    """Random configurations, then moves from the front so far.

    Args:
        problem: What is searched.
        samples: Random configurations, which also give the reference.
        rounds: Of moves.
        children: Configurations a round.
        seed: Of all of it.
    """
    rng = np.random.default_rng(seed)
    joint = JointSpace(space_of(problem), choices_of(problem))
    found = [_tried(problem, joint, unit) for unit in rng.random((samples, len(joint)))]
    scale = _scale_of(problem, [one.metrics for one in found])
    for _ in range(rounds):
        found = _kept(found, scale)
        units = np.array([one.unit for one in found])
        found += [_tried(problem, joint, unit) for unit in _moved(units, children, rng=rng)]
    found = _kept(found, scale)
    metrics = [one.metrics for one in found]
    raw = np.array([_raw(one, scale.signs, scale.logs) for one in metrics])
    scale = Scale(scale.signs, scale.logs, raw.min(0), scale.high)
    front = scale(metrics)
    configurations = [one.configuration for one in found]
    return Reachable(problem, scale, front, metrics, configurations, volume_of(front))


def volume_of(vectors: Array) -> float:
    """Hypervolume of scaled vectors (n, M) up to 1 in each objective."""
    return hypervolume(vectors.tolist(), [1.0] * vectors.shape[1])


def _tried(problem: Problem, joint: JointSpace, unit: Array) -> _Tried:
    point = joint.from_unit(unit)
    types = joint.choices.assign(point.chosen)
    return _Tried(unit, point, full_run(problem, point.parameters, instance_types=types).metrics)


def _kept(tried: list[_Tried], scale: Scale) -> list[_Tried]:
    """Those that no other dominates."""
    vectors = scale(one.metrics for one in tried)
    kept = pareto_front(vectors.tolist(), minimize=[True] * vectors.shape[1])
    return [tried[index] for index in kept]


def _moved(units: Array, count: int, *, rng: np.random.Generator) -> Array:
    """Steps of several sizes in some of the coordinates, from members of the front (k, d)."""
    starts = units[rng.integers(len(units), size=count)]
    steps = rng.normal(size=starts.shape) * rng.choice(STEPS, size=(count, 1))
    taken = rng.random(starts.shape) < np.maximum(0.3, rng.random((count, 1)))
    moved: Array = np.clip(starts + steps * taken, 0.0, 1.0)
    return moved


def _scale_of(problem: Problem, metrics: Sequence[Mapping[str, float]]) -> Scale:
    signs = {
        str(one["metric"]): 1.0 if one["direction"] == "Minimize" else -1.0
        for one in problem.declared.objectives
    }
    logs = {name: sign > 0 and all(m[name] > 0 for m in metrics) for name, sign in signs.items()}
    raw = np.array([_raw(one, signs, logs) for one in metrics])
    return Scale(signs, logs, raw.min(0), np.quantile(raw, REFERENCE, axis=0))


def _raw(
    metrics: Mapping[str, float], signs: Mapping[str, float], logs: Mapping[str, bool]
) -> list[float]:
    return [
        float(np.log(metrics[name])) if logs[name] else sign * metrics[name]
        for name, sign in signs.items()
    ]
