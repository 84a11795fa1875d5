"""What everything together is worth: dollars to 95 % of the reachable front.

    OMP_NUM_THREADS=1 python -m benchmarks.auto            # with the peers' environment
    python -m benchmarks.auto --quick
    python -m benchmarks.auto --problem FILE.py:factory --seeds 3

Replayed pipelines on six instance types with earlier studies: error, run time and dollars at once.
Everybody uses cached stages; ours begins as the product does, and peers and controls with the
trials with which ours begins. Peers run whole pipelines, one of them also with early stopping.
Dollars are counted in median full runs. A method that never gets there counts with the whole
budget, so ratios to it are lower bounds; others have three times ours, so that the bound can be as
large as what is promised. Ends with one line of JSON; `--plots DIR` writes the curves.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks._arguments import parser as common
from benchmarks._report import report
from benchmarks._resuming import resumed
from benchmarks.frontier.figures import GRID, Table, controls_of, figures_of
from benchmarks.frontier.methods import METHODS, OURS
from benchmarks.frontier.runs import Run, Task, execute_all
from benchmarks.plots import Series, lines
from benchmarks.problems.registry import load

PROBLEMS = ("auto-torch", "auto-text")
FULL_RUNS = {"ours": 25.0, "ablation": 25.0, "peer": 75.0, "control": 75.0}
MAX_TRIALS = 1000
FIRST_SEED = 10
"""Seeds below it were used while the engine was made."""

QUICK_RUNS, QUICK_TRIALS = 10.0, 20


def main() -> None:
    parser = common(__doc__, problems=PROBLEMS, seeds=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--methods", help="only these, by name, with semicolons")
    parser.add_argument("--plots", type=Path, help="folder for the curves as SVG")
    parser.add_argument(
        "--runs", type=Path, help="file of runs: those in it are taken, new ones are added"
    )
    options = parser.parse_args()
    tasks = list(
        tasks_of(
            options.problem or options.problems,
            seeds=1 if options.quick else options.seeds,
            methods=methods_of(options.methods, quick=options.quick),
            quick=options.quick,
        )
    )
    began = time.monotonic()
    runs = list(
        resumed(
            tasks,
            file=options.runs,
            parse=Run.from_json,
            execute=lambda left: execute_all(left, processes=options.processes),
            describe=_described,
        )
    )
    tables = list(Table.of(runs).values())
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
        for table in tables:
            (options.plots / f"{Path(table.problem).stem}.svg").write_text(curves(table))
    controls: dict[str, object] = {table.problem: controls_of(table) for table in tables}
    controls["minutes"] = (time.monotonic() - began) / 60
    print(report("auto", [one for table in tables for one in figures_of(table)], controls=controls))


def methods_of(wanted: str | None, *, quick: bool) -> list[str]:
    """Names of the methods; peers whose library is not installed are left out with a message."""
    if wanted:
        return wanted.split(";")
    if quick:
        return [OURS, "random"]
    missing = {
        name
        for name, one in METHODS.items()
        if one.peer and find_spec(one.peer.split("-")[0]) is None
    }
    if missing:
        print(f"not installed, left out: {', '.join(sorted(missing))}", file=sys.stderr)
    return [name for name in METHODS if name not in missing]


def tasks_of(
    problems: Sequence[str], *, seeds: int, methods: Sequence[str], quick: bool
) -> Iterator[Task]:
    """Everything that is run."""
    for problem in problems:
        trains = load(problem).declared.fidelity is not None
        known = [name for name in methods if trains or not METHODS[name].about_fidelity]
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for method in known:
                yield Task(
                    problem=problem,
                    method=method,
                    seed=seed,
                    full_runs=QUICK_RUNS if quick else FULL_RUNS[METHODS[method].kind],
                    max_trials=QUICK_TRIALS if quick else MAX_TRIALS,
                )


def curves(table: Table) -> str:
    """The share of the front over dollars, as SVG; each curve ends with its budget."""
    return lines(
        [
            Series(
                name=name,
                x=(GRID * runs[0].budget).tolist(),
                y=np.mean([run.at(GRID * run.budget) for run in runs], axis=0).tolist(),
                dashed=METHODS[name].kind != "ours",
            )
            for name, runs in table.runs.items()
        ],
        title=f"{table.problem}: share of the reachable hypervolume",
        x_label="median full runs paid",
        y_label="share of the front",
    )


def _described(run: Run) -> str:
    task, trials = run.task, len(run.spent)
    return f"{task.problem} {task.method}, {trials} trials, {run.share[-1]:.3f} of the front"


if __name__ == "__main__":
    main()
