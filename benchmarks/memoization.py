"""What a stage cache and a searcher that knows of it are worth, beside the paper's baselines.

    python -m benchmarks.memoization                    # everything, about 20 minutes on 2 cores
    python -m benchmarks.memoization --quick            # two seeds of two problems
    python -m benchmarks.memoization --problem FILE.py:factory --seeds 5
    python -m benchmarks.memoization --keep RUNS.jsonl --minutes 6    # again and again until done

Pipelines are replayed in virtual time through the product's worker loop, log and stage cache, on a
budget of 10 warm-up trials, the same for all methods of a seed, and 40 median full runs; proposals
are paid for too. R1, the paper's protocol: only ours has a cache. R2: everyone has it. Ends with
one line of JSON; `--plots DIR` writes the curves.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks._arguments import parser as common
from benchmarks._report import report
from benchmarks.baselines import BASELINES, CONTROLS
from benchmarks.memo.figures import GRID, Table, controls_of, figures_of
from benchmarks.memo.kept import keep_run, read_runs
from benchmarks.memo.least import least
from benchmarks.memo.methods import ABLATIONS, OURS, SPEND_BLIND
from benchmarks.memo.runs import Run, Task, execute_all
from benchmarks.plots import Series, lines

PROBLEMS = ("text", "stacking", "torch", "synthetic-70", "synthetic-85", "synthetic-30")
QUICK = ("text", "synthetic-70")
FIRST_SEED = 300
"""Lower ones were used while the engine was made, or reported before."""

EXPLAINING_SEEDS = 3


def main() -> None:
    parser = common(__doc__, problems=PROBLEMS, seeds=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--methods", help="only these, by name, with commas; for experiments")
    parser.add_argument("--plots", type=Path, help="folder for the curves as SVG")
    parser.add_argument("--keep", type=Path, help="file of runs: those in it are not run again")
    parser.add_argument("--minutes", type=float, help="begin no run after so long; with --keep")
    options = parser.parse_args()
    problems = options.problem or (QUICK if options.quick else options.problems)
    tasks = list(
        tasks_of(
            problems,
            seeds=range(FIRST_SEED, FIRST_SEED + (2 if options.quick else options.seeds)),
            methods=options.methods.split(",") if options.methods else None,
        )
    )
    began = time.monotonic()
    known = dict(read_runs(options.keep)) if options.keep else {}
    missing = [one for one in tasks if one not in known]
    for run in _executed(missing, processes=options.processes, minutes=options.minutes):
        known[run.task] = run
        if options.keep:
            keep_run(options.keep, run)
    if left := [one for one in tasks if one not in known]:
        sys.exit(f"{len(left)} of {len(tasks)} runs are left: run this again")
    runs = [known[one] for one in tasks]
    tables = list(Table.of([*runs, *derived(runs)]).values())
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
        for table in tables:
            (options.plots / f"memoization-{table.problem}.svg").write_text(curves(table))
    controls: dict[str, object] = {table.problem: controls_of(table) for table in tables}
    controls["seeds"] = tables[0].seeds
    controls["minutes"] = (time.monotonic() - began) / 60
    figures = [
        figure
        for table in tables
        for figure in figures_of(table, lowest=least(table.ours[0].task.problem))
    ]
    print(report("memoization", figures, controls=controls))


def tasks_of(
    problems: Sequence[str], *, seeds: Sequence[int], methods: Sequence[str] | None = None
) -> Iterator[Task]:
    """Everything that is run, seed by seed; what only explains is run for a few seeds."""
    compared = [(name, True) for name in (OURS, *BASELINES, *CONTROLS)]
    compared += [(name, False) for name in BASELINES if name not in SPEND_BLIND]
    explaining = [*((name, True) for name in ABLATIONS), (OURS, False)]
    for place, seed in enumerate(seeds):
        for problem in problems:
            for method, cached in compared + (explaining if place < EXPLAINING_SEEDS else []):
                if methods is None or method in methods or method == OURS:
                    yield Task(problem=problem, method=method, cached=cached, seed=seed)


def derived(runs: Sequence[Run]) -> Iterator[Run]:
    """Runs without a cache of methods that look at no money: the same proposals, paid in full."""
    return (one.without_cache() for one in runs if one.task.method in SPEND_BLIND)


def curves(table: Table) -> str:
    """The best value over the share of the budget spent, everyone with a cache, as SVG."""
    everyone = {OURS: table.ours, **table.baselines(cached=True)}
    return lines(
        [
            Series(
                name=name,
                x=GRID.tolist(),
                y=np.mean([run.at(GRID * run.budget) for run in runs], axis=0).tolist(),
                dashed=name != OURS,
            )
            for name, runs in everyone.items()
        ],
        title=f"{table.problem}: best value, mean over {table.seeds} seeds, everyone with a cache",
        x_label="share of the budget after the warm-up",
        y_label="objective",
    )


def _executed(
    tasks: Sequence[Task], *, processes: int, minutes: float | None = None
) -> Iterator[Run]:
    began = time.monotonic()
    until = None if minutes is None else began + 60.0 * minutes
    for done, one in enumerate(execute_all(tasks, processes=processes, until=until), start=1):
        seconds = time.monotonic() - began
        print(
            f"\r{done}/{len(tasks)} runs, {seconds:.0f} s, last {one.task.problem} "
            f"{one.task.method}: {one.count} configurations   ",
            end="" if done < len(tasks) else "\n",
            file=sys.stderr,
        )
        yield one


if __name__ == "__main__":
    main()
