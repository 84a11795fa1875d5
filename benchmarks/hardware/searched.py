"""Searchers on a table, through the product's worker, log, rungs and simulated backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.hardware.steps import Steps, steps_of
from benchmarks.problems.tables import STAGE, Table
from benchmarks.simulate import Budget, SearcherFactory, run
from benchmarks.trace import Trace, TrialTrace

NO_STOPS: Mapping[str, Any] = {"scheduler": {"type": "None"}}
MARGIN = 1.25
"""The study may spend so much more than is looked at: its last trials would not be admitted."""


def searched(
    table: Table,
    factory: SearcherFactory,
    *,
    seed: int,
    budget_usd: float,
    stops: bool = True,
    max_trials: int | None = None,
    warm_up: int = 0,
    prior: object | None = None,
) -> tuple[Steps, Trace]:
    """Runs a searcher on a table, one trial at a time.

    Args:
        table: The problem.
        factory: Makes the searcher.
        seed: Of the run.
        budget_usd: What may be spent; what ends later does not count.
        stops: Whether the product's Hyperband stops poor trials.
        max_trials: At most so many.
        warm_up: Random trials that come first, for searchers that have no start of their own.
        prior: What the searcher is given of earlier studies.
    """
    trace = run(
        table,
        factory,
        seed=seed,
        budget=Budget(usd=budget_usd * MARGIN, trials=max_trials),
        cache=False,
        warm_up=warm_up,
        prior=prior,
        extra={} if stops else NO_STOPS,
    )
    return steps_of(_steps(table, trace, stops=stops)).until(budget_usd), trace


def _steps(table: Table, trace: Trace, *, stops: bool) -> Iterator[tuple[int, int, float, float]]:
    """What ran, priced as for everybody; proposals pay for the smallest machine's time."""
    usd = seconds = 0.0
    worker = float(table.price_per_second.min())
    for trial in trace.trials:
        row = table.row(trial.parameters, trial.instance_types[STAGE])
        usd += trial.proposal_seconds * worker
        seconds += trial.proposal_seconds
        for level in _levels(table, trial, stops=stops):
            taken = float((table.steps if stops else table.taken)[row, level])
            usd += taken * float(table.price_per_second[row])
            seconds += taken
            yield row, level, usd, seconds


def _levels(table: Table, trial: TrialTrace, *, stops: bool) -> range:
    top = len(table.levels) - 1
    if not stops:
        return range(top, top + 1) if trial.completed else range(0)
    reached = top if trial.completed else table.level(trial.fidelity)
    return range(reached + 1) if trial.fidelity else range(0)
