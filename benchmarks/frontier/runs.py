"""Runs of the benchmark of the front: one contender on one problem, cut down to its curve."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from benchmarks.frontier.methods import METHODS, NO_STOPS, OURS
from benchmarks.problems.earlier import prior_of
from benchmarks.problems.manifest import choices_of, median_usd, spec_of
from benchmarks.problems.protocol import Problem
from benchmarks.problems.reachable import Reachable, reachable
from benchmarks.problems.registry import load
from benchmarks.simulate import Budget, run
from tuner.searchers.joint import Configuration
from tuner.surrogates.prior import Prior

Array = NDArray[np.float64]

START = 4
"""Peers and controls begin with so many trials: those with which ours begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to run.

    Attributes:
        problem: As on the command line.
        method: By name.
        seed: Of start and method.
        full_runs: Median full runs that the budget pays for.
        max_trials: At most so many, stopped ones included.
    """

    problem: str
    method: str
    seed: int
    full_runs: float
    max_trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What it came to.

    Attributes:
        task: What was run.
        spent: Dollars up to the end of each trial (n,), in median full runs.
        share: Of the reachable hypervolume, by full runs up to then (n,).
        trials: How many, by their state.
        budget: What could be spent, in the same unit.
        hit_rate: Share of the trials after the start that took a stage from the cache.
        proposal_seconds: CPU seconds a proposal, mean.
    """

    task: Task
    spent: Array
    share: Array
    trials: dict[str, int]
    budget: float
    hit_rate: float
    proposal_seconds: float

    def to_json(self) -> str:
        """One line."""
        return json.dumps(
            {**asdict(self), "spent": self.spent.tolist(), "share": self.share.tolist()}
        )

    @classmethod
    def from_json(cls, line: str) -> Run:
        """What `to_json` wrote."""
        told = json.loads(line)
        arrays = {name: np.array(told[name]) for name in ("spent", "share")}
        return cls(**{**told, **arrays, "task": Task(**told["task"])})

    def reaches(self, share: float) -> bool:
        """Whether it ever got there."""
        return bool((self.share >= share).any())

    def spent_to(self, share: float) -> float:
        """Dollars to a share; the whole budget, a lower bound, if it was never reached."""
        if not self.reaches(share):
            return self.budget
        return float(self.spent[np.argmax(self.share >= share)])

    def at(self, spent: Array) -> Array:
        """The share when so much has been spent, of the shape of `spent`."""
        steps = np.concatenate([[0.0], self.share])
        return steps[np.searchsorted(self.spent, spent, side="right")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What all runs on a problem share; `start` is what peers and controls try first."""

    problem: Problem
    reachable: Reachable
    median_usd: float
    start: tuple[Configuration, ...]


@lru_cache
def prepared(name: str) -> Prepared:
    """Computes it once a process."""
    problem = load(name)
    return Prepared(
        problem=problem,
        reachable=reachable(problem),
        median_usd=median_usd(problem),
        start=start_of(problem, learned(name, stops=False)),
    )


def start_of(problem: Problem, prior: Prior) -> tuple[Configuration, ...]:
    """What ours tries first on a problem, none of it stopped: what earlier studies are good for."""
    first = run(
        problem,
        METHODS[OURS].factory,
        seed=0,
        budget=Budget(trials=START),
        warm_up=0,
        prior=prior,
        extra=NO_STOPS,
    )
    groups = choices_of(problem).groups
    return tuple(
        Configuration(one.parameters, tuple(one.instance_types[g.stages[0]] for g in groups))
        for one in first.trials
    )


@lru_cache
def learned(name: str, *, stops: bool) -> Prior:
    """What earlier studies teach a study of the problem with or without rungs."""
    problem = load(name)
    extra = {} if stops else NO_STOPS
    return prior_of(problem, spec=spec_of(problem, budget=Budget(trials=1), **extra))


def execute(task: Task) -> Run:
    """Runs a task."""
    known, method = prepared(task.problem), METHODS[task.method]
    prior = None
    if method.settings is not None and method.settings.transfer:
        prior = learned(task.problem, stops=method.stops)
    trace = run(
        known.problem,
        method.factory,
        seed=task.seed,
        budget=Budget(usd=task.full_runs * known.median_usd, trials=task.max_trials),
        cache=method.cached,
        warm_up=known.start if method.settings is None else 0,
        prior=prior,
        extra=method.scheduler,
        name=method.name,
    )
    own = [one for one in trace.trials if not one.warm_up]
    return Run(
        task=task,
        spent=trace.spent_usd / known.median_usd,
        share=known.reachable.curve(trace),
        trials={
            state: sum(one.state == state for one in trace.trials)
            for state in sorted({one.state for one in trace.trials})
        },
        budget=task.full_runs,
        hit_rate=float(np.mean([bool(one.cached) for one in own])) if own else 0.0,
        proposal_seconds=trace.proposal_seconds / max(1, len(own)),
    )


def execute_all(tasks: Iterable[Task], *, processes: int) -> Iterator[Run]:
    """Runs tasks, one a core, and yields what they come to in their order."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(execute, tasks)
