"""Runs a searcher on a problem in virtual time, through the real worker, log and backend.

Only seconds and metrics come from the problem; proposals, admission, budgets, rungs, the stage
cache, verdicts and the log are those of the product. Proposals are measured in CPU seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.problems.manifest import (
    Budget,
    ProblemBlackbox,
    choices_of,
    full_run,
    instance_types_of,
    median_usd,
    space_of,
    spec_of,
)
from benchmarks.problems.protocol import Problem
from benchmarks.trace import Trace, trace_of
from tuner.backends.simulated import VirtualClock
from tuner.hardware import StageChoices
from tuner.searchers import History, Searcher, StoredStages, Suggestion, make_searcher
from tuner.searchers.joint import Configuration, JointSpace
from tuner.searchers.proposed import suggestion
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.worker.simulation import Simulation, World

WARM_UP = "warm-up"
WARM_UP_STREAM = 0x3A12
MAX_STEPS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a searcher is made from.

    Attributes:
        spec: The study, budget and cache policy included.
        space: Its search space.
        choices: The instance types that its stages may use.
        instance_types: Their specs by name.
        worker: The worker's ordinal.
        workers: How many workers there are.
        seed: Of the run.
        prior: What earlier studies taught.
        stored: Asks the stage cache.
    """

    spec: TuningStudySpec
    space: SearchSpace
    choices: StageChoices
    instance_types: Mapping[str, InstanceTypeSpec]
    worker: int = 0
    workers: int = 1
    seed: int = 0
    prior: object | None = None
    stored: StoredStages | None = None

    @property
    def joint(self) -> JointSpace:
        """Parameters and instance types as one space."""
        return JointSpace(self.space, self.choices)


class SearcherFactory(Protocol):
    """Makes the searcher of one worker. With `ours = True` it is ours where `cache="ours"`."""

    def __call__(self, context: Context) -> Searcher:
        """A new searcher."""


def product(kind: str, **searcher: Any) -> SearcherFactory:
    """The searcher that a manifest gets with `searcher: {type: kind}`."""

    def make(context: Context) -> Searcher:
        asked = {**context.spec.searcher.model_dump(mode="json", by_alias=True), **searcher}
        data = context.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        spec = TuningStudySpec.model_validate({**data, "searcher": {**asked, "type": kind}})
        return make_searcher(
            spec,
            space=context.space,
            choices=context.choices,
            instance_types=context.instance_types,
            worker=context.worker,
            workers=context.workers,
            prior=context.prior,
            stored=context.stored,
        )

    make.ours = kind not in ("Random", "Sobol")  # type: ignore[attr-defined]
    return make


@dataclass(slots=True)
class Measured:
    """Proposes the warm-up, then what a searcher says, and notes the CPU seconds of that.

    Attributes:
        searcher: Whose proposals are measured.
        context: Of the worker.
        warm_up: What all workers together propose first.
        spend: Called with the CPU seconds of each proposal.
        seconds: CPU seconds by the proposal's number.
    """

    searcher: Searcher
    context: Context
    warm_up: Sequence[Suggestion]
    spend: Callable[[float], None]
    seconds: dict[int, float] = field(default_factory=dict)

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """See `Searcher`."""
        index = number * self.context.workers + self.context.worker
        if index < len(self.warm_up):
            return self.warm_up[index]
        start = time.process_time()
        answer = self.searcher.suggest(history, number=number, rng=rng)
        self.seconds[number] = time.process_time() - start
        self.spend(self.seconds[number])
        return answer


def warm_up_points(joint: JointSpace, *, seed: int, count: int) -> list[Suggestion]:
    """The first configurations of a run, uniform in the space, by its seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(WARM_UP_STREAM,)))
    return [
        suggestion(joint, joint.from_unit(rng.random(len(joint))), why={"searcher": WARM_UP})
        for _ in range(count)
    ]


def budget_in_runs(problem: Problem, runs: float, *, seed: int, warm_up: int = 10) -> Budget:
    """Dollars for the warm-up of a seed and so many median full runs after it."""
    joint = JointSpace(space_of(problem), choices_of(problem))
    first = [
        full_run(problem, point.parameters, instance_types=point.instance_types)
        for point in warm_up_points(joint, seed=seed, count=warm_up)
    ]
    spent = sum(one.metrics["cost"] for one in first)
    return Budget(usd=spent + runs * median_usd(problem))


def run(
    problem: Problem,
    factory: SearcherFactory,
    *,
    seed: int,
    budget: Budget | float,
    cache: str | bool = "all",
    parallel: int = 1,
    workers: int = 1,
    warm_up: int | Sequence[Configuration] = 10,
    charge_proposals: bool = False,
    prior: object | None = None,
    name: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Trace:
    """One study from its first trial to the end of its budget.

    Args:
        problem: What is tuned.
        factory: Makes the searcher; see `product` for those of the product.
        seed: Of warm-up and searcher.
        budget: When it ends; a number is USD.
        cache: Who may use stages again: "all", "none", "ours" (factories with `ours = True`), or
            whether this searcher may.
        parallel: Trials at a time.
        workers: Who propose; the trials at a time are shared among them.
        warm_up: How many random trials come first, the same for all searchers of a seed; or which
            configurations, such as a portfolio.
        charge_proposals: Let the virtual clock go on by the CPU seconds of each proposal: then a
            budget in seconds pays for them too, and a run depends on the machine.
        prior: What the searcher is given of earlier studies.
        name: Of the method, for the trace.
        extra: Further fields of the study's spec, as in a manifest.

    Returns:
        The trace; `trace.end` says why the study ended.
    """
    bounds = budget if isinstance(budget, Budget) else Budget(usd=budget)
    cached = _cached(cache, factory)
    clock = VirtualClock()
    measured: dict[int, Measured] = {}

    def spend(seconds: float) -> None:
        if charge_proposals:
            clock.seconds += seconds

    def make(spec: TuningStudySpec, **given: Any) -> Searcher:
        context = Context(spec=spec, seed=seed, **given)
        first = _first(context.joint, warm_up, seed=seed)
        searcher = Measured(factory(context), context, first, spend)
        measured[context.worker] = searcher
        return searcher

    world = World(
        spec_of(
            problem, budget=bounds, seed=seed, cache=cached, parallel=parallel, **(extra or {})
        ),
        instance_types=instance_types_of(problem),
        blackbox=ProblemBlackbox(problem),
        workers=workers,
        clock=clock,
        searcher_factory=make,
        prior=prior,
        restore_seconds=problem.declared.restore_seconds,
    )
    began = clock()
    end = Simulation(world).run(max_steps=MAX_STEPS)
    proposals = {
        (worker, number): seconds
        for worker, one in measured.items()
        for number, seconds in one.seconds.items()
    }
    return trace_of(
        world.open_log(),
        problem=problem.declared.name,
        method=name,
        seed=seed,
        cached=cached,
        began=began,
        end="" if end is None else end.reason,
        proposals=proposals,
        warm_up=WARM_UP,
    )


def _first(
    joint: JointSpace, warm_up: int | Sequence[Configuration], *, seed: int
) -> list[Suggestion]:
    if isinstance(warm_up, int):
        return warm_up_points(joint, seed=seed, count=warm_up)
    return [suggestion(joint, one, why={"searcher": WARM_UP}) for one in warm_up]


def _cached(cache: str | bool, factory: SearcherFactory) -> bool:
    known = {"all": True, "none": False, "ours": bool(getattr(factory, "ours", False))}
    if isinstance(cache, bool):
        return cache
    if cache not in known:
        raise ValueError(f"cache is one of {', '.join(known)}, True and False, not {cache!r}")
    return known[cache]
