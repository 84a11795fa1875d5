"""Runs of the benchmark: tasks, what they come to as lines of JSON, and who may learn from whom."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks._resuming import resumed
from benchmarks.hardware.found import near
from benchmarks.hardware.methods import METHODS, Setting, average_order
from benchmarks.hardware.searched import Goal
from benchmarks.hardware.steps import Steps, steps_of
from benchmarks.problems.earlier import portfolio_of, prior_of
from benchmarks.problems.hardware_tables import READERS, nas, program_of, scout
from benchmarks.problems.manifest import Budget, spec_of
from benchmarks.problems.tables import Table
from tuner.searchers.joint import Configuration
from tuner.surrogates.prior import Prior

START = 2
"""Peers begin with so many trials of the portfolio where ours learns from earlier studies."""

DEVELOPMENT = ("kmeans", "terasort", "regression")
"""Programs of scout that are never reported: choices were made on them."""

SOURCE_ROWS = 1000
"""So many rows of a large table stand for an earlier study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to run.

    Attributes:
        table: Its name, with the collection: "trimtuner", "scout/lr_huge_spark", "nas/cifar10".
        method: By name.
        seed: Of the run.
        budget_usd: What it may spend.
        max_trials: At most so many.
    """

    table: str
    method: str
    seed: int
    budget_usd: float
    max_trials: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What it came to.

    Attributes:
        task: What was run.
        steps: Rows and levels, with what was spent.
        cpu_seconds: Of the whole simulation.
    """

    task: Task
    steps: Steps
    cpu_seconds: float

    def to_json(self) -> str:
        """One line."""
        steps = zip(
            self.steps.row.tolist(),
            self.steps.level.tolist(),
            [round(one, 6) for one in self.steps.usd.tolist()],
            [round(one, 3) for one in self.steps.seconds.tolist()],
            strict=True,
        )
        told = {"task": asdict(self.task), "cpu_seconds": self.cpu_seconds, "steps": list(steps)}
        return json.dumps(told)

    @classmethod
    def from_json(cls, line: str) -> Run:
        """What `to_json` wrote."""
        told = json.loads(line)
        return cls(
            task=Task(**told["task"]),
            steps=steps_of(told["steps"]),
            cpu_seconds=told["cpu_seconds"],
        )


@lru_cache
def tables(collection: str, data: Path) -> dict[str, Table]:
    """The tables of a collection by name.

    Raises:
        FileNotFoundError: The data are not there.
    """
    if collection == "scout":
        return {f"scout/{name}": table for name, table in scout(data).items()}
    if collection == "nas":
        return {f"nas/{name}": table for name, table in nas(data).items()}
    return {collection: READERS[collection](data)}


def table_of(name: str, data: Path) -> Table:
    """One table by its full name."""
    return tables(name.partition("/")[0], data)[name]


def sources_of(name: str, data: Path) -> list[Table]:
    """What a task may learn from: other programs of scout, other data sets of NAS, else nothing.

    A program that choices were made on learns from such programs alone.
    """
    collection, _, own = name.partition("/")
    known = tables(collection, data)
    if collection == "nas":
        return [table for other, table in known.items() if other != name]
    if collection != "scout":
        return []
    develops = program_of(own) in DEVELOPMENT
    return [
        table
        for other, table in known.items()
        if (program := program_of(other.partition("/")[2])) != program_of(own)
        and (program in DEVELOPMENT or not develops)
    ]


@lru_cache
def learned(name: str, data: Path) -> Prior | None:
    """What earlier studies teach, computed once a process; None where there are none."""
    if not sources_of(name, data):
        return None
    taught = _taught(name, data)
    spec = spec_of(taught, budget=Budget(trials=1), scheduler={"type": "None"})
    return prior_of(taught, spec=spec)


@lru_cache
def order(name: str, data: Path, *, everything: bool = False) -> tuple[int, ...]:
    """Rows from the best on average in earlier studies on; none without such studies.

    Args:
        name: Of the table.
        data: Folder of the data.
        everything: Whether it knows all rows of large tables, or those that ours learns from.
    """
    sources = sources_of(name, data)
    if not everything:
        sources = [one.only(_sampled(one)) for one in sources]
    return tuple(average_order(table_of(name, data), sources)) if sources else ()


def start(name: str, data: Path) -> tuple[Configuration, ...]:
    """What peers begin with: as much of the portfolio as ours begins with."""
    prior = learned(name, data)
    if prior is None:
        return ()
    return tuple(portfolio_of(_taught(name, data), prior, size=START))


def _taught(name: str, data: Path) -> Table:
    """The table with what it may learn from."""
    studies = [one.as_study(rows=_sampled(one)) for one in sources_of(name, data)]
    return table_of(name, data).with_earlier(studies)


def _sampled(table: Table) -> Sequence[int]:
    """Rows of a large table, drawn at random: at even steps through all combinations of values some
    values would never come up."""
    if len(table) <= SOURCE_ROWS:
        return range(len(table))
    drawn = np.random.default_rng(0).choice(len(table), size=SOURCE_ROWS, replace=False)
    return [int(row) for row in np.sort(drawn)]


def _both(name: str, data: Path) -> Goal | None:
    """On scout a run is over once a fast and a cheap cluster have run."""
    if not name.startswith("scout/"):
        return None
    table = table_of(name, data)
    fast, cheap = (near(one) for one in (table.seconds_in_full, table.usd_in_full))
    return lambda steps: any(fast[row] for row, _ in steps) and any(cheap[row] for row, _ in steps)


def execute(task: Task, data: Path) -> Run:
    """Runs a task."""
    method = METHODS[task.method]
    setting = Setting(
        table=table_of(task.table, data),
        seed=task.seed,
        budget_usd=task.budget_usd,
        max_trials=task.max_trials,
        prior=learned(task.table, data) if method.transfer else None,
        start=start(task.table, data) if method.peer else (),
        order=(order(task.table, data, everything=method.everything) if method.ordered else ()),
        until=_both(task.table, data),
    )
    began = time.process_time()
    steps = method.run(setting)
    return Run(task=task, steps=steps, cpu_seconds=time.process_time() - began)


def executed(tasks: Sequence[Task], *, data: Path, file: Path | None = None) -> Iterator[Run]:
    """Takes runs from a file as far as it has them, runs the others and adds them to it."""
    return resumed(
        tasks,
        file=file,
        parse=Run.from_json,
        execute=lambda left: (execute(task, data) for task in left),
        describe=_described,
    )


def _described(run: Run) -> str:
    task, steps = run.task, len(run.steps)
    return f"{task.table} {task.method} {task.seed}: {steps} steps, {run.cpu_seconds:.1f} CPU s"
