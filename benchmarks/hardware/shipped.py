"""MO-ASHA of syne-tune: its own bracket and priorities decide at the rungs, as released.

`NonDominatedPriority` returns indices where priorities are meant, so that a newcomer that dominates
its rung is often stopped; that is how version 0.16.0 ships it, and it is disclosed wherever it is
quoted. Needs the peers' environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.hardware.controls import order_of
from benchmarks.hardware.steps import Step
from benchmarks.problems.tables import Table


def moasha(table: Table, *, seed: int, fixed: bool) -> Iterator[Step]:
    """Syne-tune's MO-ASHA over a table.

    Args:
        table: What is run.
        seed: Of the order of the rows.
        fixed: With `FixedObjectivePriority` in place of the default.
    """
    decide = _bracket(table, fixed=fixed)
    # Raw units, as its users pass them.
    objectives = [_raw(table, level) for level in range(len(table.levels))]
    for row in order_of(table, seed):
        for level in range(len(table.levels)):
            yield row, level
            if level == len(table.levels) - 1:
                break
            if not decide(str(row), level, objectives[level][row]):
                break


def _bracket(table: Table, *, fixed: bool) -> Callable[[str, int, np.ndarray], bool]:
    from syne_tune.optimizer.scheduler import SchedulerDecision
    from syne_tune.optimizer.schedulers.asha import Bracket
    from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import (
        FixedObjectivePriority,
        NonDominatedPriority,
    )

    priority = FixedObjectivePriority() if fixed else NonDominatedPriority()
    top = len(table.levels) - 1
    # Levels are a factor apart: the rungs are 1, 3, 9, ...
    bracket = Bracket(1, table.reduction**top, table.reduction, 0, priority)

    def decide(trial: str, level: int, vector: np.ndarray) -> bool:
        metrics = {f"metric-{place}": float(value) for place, value in enumerate(vector)}
        told = bracket.on_result(trial_id=trial, cur_iter=table.reduction**level, metrics=metrics)
        return bool(told != SchedulerDecision.STOP)

    return decide


def _raw(table: Table, level: int) -> np.ndarray:
    found = table.objectives(level)
    logs = [str(one["metric"]) in ("runtime", "cost") for one in table.declared.objectives]
    return np.where(logs, np.exp(found), found)
