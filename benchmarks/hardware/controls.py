"""Controls and baselines without a model: which rows they run, to which level, in which order.

Each is an iterator of steps for `steps.charged`. All draw the rows of a seed in the same order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.hardware.steps import Step
from benchmarks.problems.tables import Table
from tuner.schedulers import RungRecord
from tuner.schedulers.ranking import count_better

Vector = tuple[float, ...]
Continues = Callable[[Sequence[Vector], int], bool]
"""Whether the last of a rung's vectors goes on, given the reduction factor."""


def order_of(table: Table, seed: int) -> list[int]:
    """The rows of a table in the order of a seed."""
    drawn: list[int] = np.random.default_rng(seed).permutation(len(table)).tolist()
    return drawn


def random_in_full(table: Table, *, seed: int) -> Iterator[Step]:
    """Every row at full fidelity."""
    full = len(table.levels) - 1
    yield from ((row, full) for row in order_of(table, seed))


def cheap_first(table: Table, *, seed: int, by: str = "cost") -> Iterator[Step]:
    """Every row at the lowest level, then in full from the cheapest, or fastest, on.

    Without levels the price stands for what is cheap.

    Args:
        table: What is run.
        seed: Of the order of the first pass.
        by: "cost" or "runtime".
    """
    full = len(table.levels) - 1
    order = order_of(table, seed)
    if full:
        yield from ((row, 0) for row in order)
        known = table.taken[:, 0] * (table.price_per_second if by == "cost" else 1.0)
    else:
        known = table.price_per_second
    yield from ((row, full) for row in sorted(order, key=lambda row: float(known[row])))


def asha(
    table: Table, *, seed: int, continues: Continues, objectives: Sequence[int] | None = None
) -> Iterator[Step]:
    """Asynchronous successive halving, stopping variant, one worker.

    Args:
        table: What is run.
        seed: Of the order of the rows.
        continues: Decides at every rung but the last level.
        objectives: Which are compared; all by default.
    """
    vectors = [table.objectives(level) for level in range(len(table.levels))]
    which = list(range(vectors[0].shape[1])) if objectives is None else list(objectives)
    rungs: dict[int, list[Vector]] = defaultdict(list)
    for row in order_of(table, seed):
        for level in range(len(table.levels)):
            yield row, level
            rung = rungs[level]
            rung.append(tuple(vectors[level][row, which].tolist()))
            if level < len(table.levels) - 1 and not continues(rung, table.reduction):
                break


def corrected(rung: Sequence[Vector], reduction: int) -> bool:
    """The product's rule: fewer than one in `reduction` of the rung are strictly better."""
    records = [RungRecord(trial=f"{place:06d}", vector=vector) for place, vector in enumerate(rung)]
    own = records[-1].trial
    better = count_better(records, trial=own, minimize=[True] * len(rung[-1]))
    return better * reduction < len(rung)
