"""What every method comes to: which rows of a table it ran, to which level, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.tables import Array, Table

Ints = NDArray[np.intp]
Step = tuple[int, int]
"""A row and the index of the level that it is taken to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """A run, step by step, in the order of their ends.

    Attributes:
        row: Of the table (n,).
        level: Index of the level reached (n,).
        usd: Spent up to then, proposals included (n,).
        seconds: Passed up to then, one trial at a time, proposals included (n,).
    """

    row: Ints
    level: Ints
    usd: Array
    seconds: Array

    def __len__(self) -> int:
        return len(self.row)

    def until(self, usd: float) -> Steps:
        """What had ended when so much was spent."""
        count = int(np.searchsorted(self.usd, usd, side="right"))
        return Steps(
            row=self.row[:count],
            level=self.level[:count],
            usd=self.usd[:count],
            seconds=self.seconds[:count],
        )

    def in_full(self, table: Table) -> Steps:
        """The steps that end at full fidelity."""
        full = self.level == len(table.levels) - 1
        return Steps(
            row=self.row[full],
            level=self.level[full],
            usd=self.usd[full],
            seconds=self.seconds[full],
        )


def charged(
    table: Table,
    policy: Iterable[Step],
    *,
    budget_usd: float,
    max_steps: int | None = None,
) -> Steps:
    """Runs what a policy asks for until the budget would be exceeded.

    A level costs `Table.steps`, and all of it where no lower level of that row ran before. The step
    that the budget no longer pays for is not taken and ends the run.

    Args:
        table: What is run.
        policy: Steps, one after another; it may look at what it asked for, and at nothing else.
        budget_usd: What may be spent.
        max_steps: At most so many.
    """
    taken: list[tuple[int, int, float, float]] = []
    usd = seconds = 0.0
    for row, level, cost in priced(table, policy):
        usd += cost * float(table.price_per_second[row])
        seconds += cost
        if usd > budget_usd or len(taken) == max_steps:
            break
        taken.append((row, level, usd, seconds))
    return steps_of(taken)


def steps_of(taken: Iterable[tuple[int, int, float, float]]) -> Steps:
    """From row, level, USD and seconds of each step."""
    told = np.array(list(taken), dtype=float).reshape(-1, 4)
    return Steps(
        row=told[:, 0].astype(np.intp),
        level=told[:, 1].astype(np.intp),
        usd=told[:, 2],
        seconds=told[:, 3],
    )


def priced(table: Table, policy: Iterable[Step]) -> Iterator[tuple[int, int, float]]:
    """Steps with the seconds that each takes after those before it."""
    reached: dict[int, int] = {}
    for row, level in policy:
        if table.restarts:
            cost = float(table.taken[row, level])
        else:
            before = reached.get(row, level)
            known = float(table.taken[row, before]) if before < level else 0.0
            cost = float(table.taken[row, level]) - known
        reached[row] = level
        yield row, level, cost
