"""Hardware chosen with hyper-parameters: what is found for how many dollars, and how soon.

    OMP_NUM_THREADS=1 python -m benchmarks.hardware trimtuner     # with the peers' environment
    python -m benchmarks.hardware scout                           # transfer over programs
    python -m benchmarks.hardware nas                             # latency at equal error
    python -m benchmarks.hardware mlp                             # choices are made on this,
    python -m benchmarks.hardware cnn-time                        # on this,
    python -m benchmarks.hardware scout-development               # and on this

Tables of configurations that others measured are replayed through the product's worker, log and
simulated backend; controls without a model walk the same table at the same prices. `--runs FILE`
keeps runs and goes on from there. Ends with one line of JSON; `--plots DIR` draws the curves.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks._arguments import default_data
from benchmarks._report import Figure, report
from benchmarks.hardware import cells, clusters, trained
from benchmarks.hardware.found import Judge
from benchmarks.hardware.methods import METHODS, OURS
from benchmarks.hardware.runs import DEVELOPMENT, Run, Task, executed, tables
from benchmarks.problems.hardware_tables import program_of
from benchmarks.problems.tables import Table

CLUSTERS = 69
"""Of scout. A method that repeats itself may run twice as many; ours and the controls do not."""

QUICK_SEEDS = 2
SLOW: Mapping[str, Mapping[str, int]] = {
    "optuna GP (EHVI)": {"trimtuner": 5, "cnn-time": 5, "mlp": 5, "scout": 1},
    "Auto, stopping": {"trimtuner": 10},
    "Auto, in full": {"trimtuner": 10},
}
"""So many seeds, by collection, of slow peers and of ablations."""
FIRST_SEED = 100
"""Seeds below it are for development."""

TRAINED = (
    OURS, "Auto, stopping", "Auto, in full", "accuracy-only ASHA", "selection only",
    "random in full", "cheap first, USD", "cheap first, seconds", "MO-ASHA, corrected",
    "MO-ASHA, fixed objective", "MO-ASHA, as shipped", "optuna NSGA-II", "optuna GP (EHVI)",
)  # fmt: skip
SCOUT = (
    OURS, "Auto, no transfer", "random in full", "MO-ASHA, corrected", "cheap first, USD",
    "order of earlier studies", "optuna NSGA-II", "optuna GP (EHVI)",
)  # fmt: skip
NAS = (
    OURS, "Auto, no transfer", "random in full", "order of earlier studies",
    "order of earlier studies, all rows", "optuna NSGA-II", "optuna TPE",
)  # fmt: skip
QUICK = (OURS, "random in full", "accuracy-only ASHA")


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One of the benchmarks.

    Attributes:
        collection: Of tables.
        folder: Of the data.
        seeds: By default.
        methods: Names of those that take part.
        share: Budget in shares of the table's dollars; None for no bound.
        max_trials: Budget in trials.
    """

    collection: str
    folder: str
    seeds: int
    methods: Sequence[str]
    share: float | None = None
    max_trials: int | None = None


BENCHMARKS: Mapping[str, Benchmark] = {
    "trimtuner": Benchmark(
        collection="trimtuner", folder="hw_trimtuner", seeds=30, methods=TRAINED, share=0.2
    ),
    "cnn-time": Benchmark(
        collection="cnn-time", folder="hw_hyperjump", seeds=10, methods=TRAINED, share=0.2
    ),
    "mlp": Benchmark(collection="mlp", folder="hw_lynceus", seeds=10, methods=TRAINED, share=0.2),
    "scout": Benchmark(
        collection="scout", folder="hw_lynceus", seeds=10, methods=SCOUT, max_trials=2 * CLUSTERS
    ),
    "scout-development": Benchmark(
        collection="scout", folder="hw_lynceus", seeds=10, methods=SCOUT, max_trials=2 * CLUSTERS
    ),
    "nas": Benchmark(
        collection="nas", folder="transfer_nasbench201", seeds=5, methods=NAS, max_trials=100
    ),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a benchmark says of one table, or of several together."""

    name: str
    figures: Sequence[Figure]
    controls: Mapping[str, object]
    plots: Mapping[str, str] = field(default_factory=dict)


def main() -> None:
    options = _parser().parse_args()
    benchmark = BENCHMARKS[options.benchmark]
    if not (options.data / benchmark.folder).is_dir():
        print(f"{options.data} has no {benchmark.folder}: skipped", file=sys.stderr)
        return
    known = _reported(options.benchmark, tables(benchmark.collection, options.data))
    if options.tables:
        known = {name: known[name] for name in options.tables.split(";")}
    tasks = list(_tasks(options, benchmark, known))
    runs = list(executed(tasks, data=options.data, file=options.runs))
    told = list(_told(benchmark.collection, known, runs))
    for one in told if options.plots else ():
        options.plots.mkdir(parents=True, exist_ok=True)
        for name, drawn in one.plots.items():
            (options.plots / f"{one.name}-{name}.svg").write_text(drawn)
    figures = [figure for one in told for figure in one.figures]
    controls = {one.name: one.controls for one in told}
    print(report(f"hardware {options.benchmark}", figures, controls=controls))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("benchmark", choices=list(BENCHMARKS))
    made.add_argument("--data", type=Path, default=default_data(), help="folder of the data")
    made.add_argument("--seeds", type=int, metavar="N", help="runs of each method")
    made.add_argument("--first-seed", type=int, default=FIRST_SEED)
    made.add_argument("--quick", action="store_true", help="see that it runs; figures mean nothing")
    made.add_argument("--methods", help="only these, by name, with semicolons")
    made.add_argument("--tables", help="only these, by name, with semicolons")
    made.add_argument("--plots", type=Path, help="folder for the curves as SVG")
    made.add_argument(
        "--runs", type=Path, help="file of runs: those in it are taken, new ones are added"
    )
    return made


def _reported(name: str, known: Mapping[str, Table]) -> dict[str, Table]:
    """The tables that the benchmark is about: of scout, what choices were made on stands apart."""
    if not name.startswith("scout"):
        return dict(known)
    return {
        one: table
        for one, table in known.items()
        if (program_of(one.partition("/")[2]) in DEVELOPMENT) == name.endswith("development")
    }


def _tasks(
    options: argparse.Namespace, benchmark: Benchmark, known: Mapping[str, Table]
) -> Iterator[Task]:
    """Everything that is run, whole seeds first: a run that is cut short has pairs."""
    seeds = QUICK_SEEDS if options.quick else options.seeds or benchmark.seeds
    methods = _methods(options, benchmark)
    for seed in range(seeds):
        for name, table in known.items():
            for method in methods:
                if seed < SLOW.get(method, {}).get(benchmark.collection, math.inf):
                    yield Task(
                        table=name,
                        method=method,
                        seed=options.first_seed + seed,
                        budget_usd=_budget(benchmark, table),
                        max_trials=benchmark.max_trials,
                    )


def _budget(benchmark: Benchmark, table: Table) -> float:
    whole = float(table.usd_in_full.sum())
    if benchmark.share is None:
        return 10 * whole
    return benchmark.share * whole


def _methods(options: argparse.Namespace, benchmark: Benchmark) -> list[str]:
    if options.methods:
        return list(options.methods.split(";"))
    if options.quick:
        return [name for name in benchmark.methods if name in QUICK]
    missing = [
        name
        for name in benchmark.methods
        if METHODS[name].needs and find_spec(METHODS[name].needs) is None
    ]
    if missing:
        print(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
    return [name for name in benchmark.methods if name not in missing]


def _told(collection: str, known: Mapping[str, Table], runs: Sequence[Run]) -> Iterator[Told]:
    grouped = {name: _by_method(name, runs) for name in known}
    if collection == "scout":
        together = clusters.Clusters(known, grouped)
        yield Told(
            name="scout",
            figures=list(clusters.figures_of(together)),
            controls=clusters.controls_of(together),
            plots=clusters.plots_of(together),
        )
        return
    for name, table in known.items():
        if collection == "nas":
            cell = cells.Cells(table, grouped[name])
            yield Told(
                name=table.declared.name,
                figures=list(cells.figures_of(cell)),
                controls=cells.controls_of(cell),
                plots=cells.plots_of(cell),
            )
        else:
            one = trained.Trained(Judge(table), grouped[name])
            yield Told(
                name=table.declared.name,
                figures=list(trained.figures_of(one)),
                controls=trained.controls_of(one),
                plots=trained.plots_of(one),
            )


def _by_method(table: str, runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs on a table by method, in the order of their seeds."""
    grouped: dict[str, list[Run]] = {}
    for one in sorted(runs, key=lambda run: run.task.seed):
        if one.task.table == table:
            grouped.setdefault(one.task.method, []).append(one)
    return grouped


if __name__ == "__main__":
    main()
