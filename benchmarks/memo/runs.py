"""One run of one method, cut down to what the figures need, and many of them on all cores."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from benchmarks.memo.methods import WARM_UP, factory_of
from benchmarks.problems.manifest import sample_runs, space_of
from benchmarks.problems.protocol import Problem
from benchmarks.problems.registry import load
from benchmarks.simulate import Budget, run
from benchmarks.trace import Trace
from tuner.surrogates.working_set import apart

Array = NDArray[np.float64]

FULL_RUNS = 40
"""Median full runs after the warm-up that the budget pays for."""

APART = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to run.

    Attributes:
        problem: As on the command line.
        method: By name.
        cached: Whether it may use stages again.
        seed: Of warm-up and method.
        full_runs: See FULL_RUNS.
    """

    problem: str
    method: str
    cached: bool
    seed: int
    full_runs: int = FULL_RUNS


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run came to after its warm-up, by completed trial in order, n of them.

    Proposals are charged beside stages: the CPU seconds of one are seconds of the pipeline.

    Attributes:
        task: What was run.
        problem: The problem's own name.
        spent: Charged up to the end of each trial since the warm-up's end, shape (n,).
        values: The objective, minimised, shape (n,).
        full: What each would have cost from scratch, shape (n,).
        saved: Of that, the first-run cost of what came out of the cache, shape (n,).
        start: The best value of the warm-up.
        budget: What could be spent after the warm-up.
        restore: Of one stage.
        proposals: CPU seconds of each proposal, shape (n,).
        apart: Whether each differs from all such before by APART of some parameter's range, (n,).
    """

    task: Task
    problem: str
    spent: Array
    values: Array
    full: Array
    saved: Array
    start: float
    budget: float
    restore: float
    proposals: Array
    apart: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Distinct configurations after the warm-up: a searcher proposes none twice."""
        return len(self.values)

    @property
    def paid(self) -> Array:
        """What each trial cost, restores included and its proposal not, shape (n,)."""
        return np.diff(self.spent, prepend=0.0) - self.proposals

    @cached_property
    def best(self) -> Array:
        """The best value after each trial, shape (n,)."""
        return np.minimum.accumulate(np.minimum(self.values, self.start))

    @property
    def final(self) -> float:
        """The best value at the end."""
        return float(self.best[-1]) if self.count else self.start

    @property
    def improvement(self) -> float:
        """How much better the end is than the end of the warm-up."""
        return self.start - self.final

    @property
    def hit_rate(self) -> float:
        """p: the share of trials with at least one stage out of the cache."""
        return float(np.mean(self.saved > 0)) if self.count else 0.0

    def at(self, spent: Array) -> Array:
        """The best value when so much has been spent, of the shape of `spent`."""
        steps = np.concatenate([[self.start], self.best])
        return steps[np.searchsorted(self.spent, spent, side="right")]

    def without_cache(self) -> Run:
        """The same proposals with every stage paid for, as far as the budget goes.

        For methods whose proposals depend on values and first-run costs alone, and not on what has
        been spent, this is the run without a cache.
        """
        spent = np.cumsum(self.full + self.proposals)
        kept = spent <= self.budget
        return replace(
            self,
            task=replace(self.task, cached=False),
            spent=spent[kept],
            values=self.values[kept],
            full=self.full[kept],
            saved=np.zeros(int(kept.sum())),
            proposals=self.proposals[kept],
            apart=self.apart[kept],
        )


Runs = tuple[Run, ...]


def execute(task: Task) -> Run:
    """Runs a task."""
    problem, median = _prepared(task.problem)
    budget = (WARM_UP + task.full_runs) * median
    trace = run(
        problem,
        factory_of(task.method),
        seed=task.seed,
        budget=Budget(usd=budget),
        cache=task.cached,
        warm_up=WARM_UP,
        name=task.method,
    )
    return _reduced(trace, task=task, problem=problem, budget=budget)


def execute_all(
    tasks: Iterable[Task], *, processes: int = 2, until: float | None = None
) -> Iterator[Run]:
    """Runs tasks, one a core, and yields what they come to in their order.

    Args:
        tasks: What to run.
        processes: How many at a time.
        until: On the monotonic clock; no task is begun later.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    waiting = iter(tasks)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun = deque(pool.submit(execute, one) for one in islice(waiting, processes))
        while begun:
            yield begun.popleft().result()
            if until is None or time.monotonic() < until:
                begun.extend(pool.submit(execute, one) for one in islice(waiting, 1))


@lru_cache
def _prepared(name: str) -> tuple[Problem, float]:
    """The problem, and the median of its full cost over random configurations in USD."""
    problem = load(name)
    return problem, float(
        np.median([one.metrics["cost"] for one in sample_runs(problem, count=512)])
    )


def _reduced(trace: Trace, *, task: Task, problem: Problem, budget: float) -> Run:
    (objective,) = problem.declared.objectives
    sign = 1.0 if objective["direction"] == "Minimize" else -1.0
    metric = str(objective["metric"])
    warm = [one for one in trace.completed if one.warm_up]
    own = trace.after_warm_up
    left = budget - sum(one.usd for one in warm)
    proposals = np.array([one.proposal_seconds for one in own])
    spent = np.cumsum(np.array([one.usd for one in own]) + proposals)
    kept = spent <= left
    return Run(
        task=task,
        problem=problem.declared.name,
        spent=spent[kept],
        values=np.array([sign * one.metrics[metric] for one in own])[kept],
        full=np.array([sum(one.full_seconds.values()) for one in own])[kept],
        saved=np.array([sum((one.full_seconds[name] for name in one.cached), 0.0) for one in own])[
            kept
        ],
        start=min(sign * one.metrics[metric] for one in warm),
        budget=left,
        restore=problem.declared.restore_seconds,
        proposals=proposals[kept],
        apart=_apart(trace, problem)[kept],
    )


def _apart(trace: Trace, problem: Problem) -> NDArray[np.bool_]:
    """Of the completed trials after the warm-up, which are apart from all before."""
    space = space_of(problem)
    unit = np.array([space.encode(one.parameters) for one in trace.completed])
    found = np.zeros(len(unit), dtype=np.bool_)
    found[apart(unit, least=APART)] = True
    return found[[not one.warm_up for one in trace.completed]]
