"""How good the search is without its extras: ten standard problems beside three peers.

    make bench-env && .venv-bench/bin/python -m benchmarks.quality

One stage, no cache, no transfer, no fidelity: what remains is model and acquisition. Every method
starts from the same ten random points of a seed and runs through the same worker, log and backend.
The score is the regret of the best value, or what is missing of the front's hypervolume; methods
are ranked within each problem and seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

from benchmarks._one_thread import one_thread
from benchmarks._report import Figure, at_most, report
from benchmarks.problems.standard import Standard, standard_problems
from tuner.pareto import hypervolume

OURS = "Auto"
PEERS = ("optuna-gp", "botorch", "smac")
CONTROL = "Random"
WARM_UP = 10
EVALUATIONS = {"branin": 30, "dtlz2": 30, "zdt1": 30, "vehicle": 30}
DEFAULT_EVALUATIONS = 40
QUICK = ("branin", "classifier", "dtlz2")
WORSE = 1.05
"""Our mean rank may exceed the best peer's by this factor."""
FLOOR = 1e-9
"""Regrets below it are equal."""


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """One run."""

    problem: str
    method: str
    seed: int
    evaluations: int

    @property
    def file(self) -> str:
        """Under which its values are kept."""
        return f"{self.problem}-{self.method}-{self.seed}-{self.evaluations}.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each method")
    parser.add_argument("--problem", action="append", choices=sorted(standard_problems()))
    parser.add_argument("--method", action="append", help=f"beside {OURS}; {', '.join(PEERS)}")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    parser.add_argument(
        "--traces", type=Path, metavar="DIR", help="keep runs there, and take them from there"
    )
    options = parser.parse_args()
    methods = (OURS, *(options.method or PEERS), CONTROL)
    tasks = list(_tasks(options, methods))
    start = time.monotonic()
    runs = run_all(tasks, processes=options.processes, traces=options.traces)
    document = summary(runs, methods=methods)
    document.controls["wall seconds"] = time.monotonic() - start
    print(report("quality", document.figures, controls=document.controls))


def _tasks(options: argparse.Namespace, methods: Sequence[str]) -> Iterator[Task]:
    problems = options.problem or (QUICK if options.quick else list(standard_problems()))
    for seed in range(1 if options.quick else options.seeds):
        for problem in problems:
            evaluations = EVALUATIONS.get(problem, DEFAULT_EVALUATIONS)
            for method in methods:
                yield Task(problem, method, seed, 16 if options.quick else evaluations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a task.

    Attributes:
        values: Objectives in the order of evaluation, shape (n, M).
        proposal_seconds: CPU seconds of its proposals, warm-up left out, in the middle.
    """

    values: NDArray[np.float64]
    proposal_seconds: float


def run_all(tasks: Sequence[Task], *, processes: int, traces: Path | None) -> dict[Task, Run]:
    """Every task's run, slow methods first; runs kept in `traces` are taken from there."""
    runs = {task: kept for task in tasks if (kept := _kept(task, traces)) is not None}
    missing = [task for task in tasks if task not in runs]
    one_thread()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_one, task): task for task in missing}
        for future in as_completed(futures):
            task = futures[future]
            runs[task] = future.result()
            _keep(task, runs[task], traces)
    return {task: runs[task] for task in tasks}


def run_one(task: Task) -> Run:
    """Runs one study of so many trials."""
    from benchmarks.problems.manifest import Budget
    from benchmarks.simulate import Context, product, run
    from tuner.searchers import Searcher

    def peer(context: Context) -> Searcher:
        from benchmarks.peers import make_peer

        return make_peer(task.method, spec=context.spec, space=context.space,
                         choices=context.choices, seed=context.seed)  # fmt: skip

    problem = standard_problems()[task.problem]
    own = task.method in (OURS, CONTROL)
    trace = run(
        problem,
        product(task.method) if own else peer,
        seed=task.seed,
        budget=Budget(trials=task.evaluations),
        cache=False,
        warm_up=WARM_UP,
        name=task.method,
    )
    values = [[trial.metrics[name] for name in problem.metric_names] for trial in trace.completed]
    if len(values) != task.evaluations:
        raise RuntimeError(f"{task}: {len(values)} trials completed; {trace.end}")
    seconds = [trial.proposal_seconds for trial in trace.after_warm_up]
    return Run(values=np.array(values), proposal_seconds=float(np.median(seconds)))


def _kept(task: Task, traces: Path | None) -> Run | None:
    if traces is None or not (traces / task.file).exists():
        return None
    data = json.loads((traces / task.file).read_text())
    return Run(values=np.array(data["values"]), proposal_seconds=data["proposal_seconds"])


def _keep(task: Task, run: Run, traces: Path | None) -> None:
    if traces is not None:
        traces.mkdir(parents=True, exist_ok=True)
        data = {"values": run.values.tolist(), "proposal_seconds": run.proposal_seconds}
        (traces / task.file).write_text(json.dumps(data))


def regret(problem: Standard, values: NDArray[np.float64]) -> float:
    """What is missing after these evaluations, (n, M): to the optimum, or to the whole volume."""
    if problem.reference is None:
        return max(float(values.min()) - problem.optimum, FLOOR)
    minimize = [True] * len(problem.reference)
    volume = hypervolume(values.tolist(), reference=problem.reference, minimize=minimize)
    return max(problem.volume - volume, FLOOR)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the line says."""

    figures: list[Figure]
    controls: dict[str, object]


def summary(runs: Mapping[Task, Run], *, methods: Sequence[str]) -> Summary:
    """Ranks, tests and regrets."""
    cells = sorted({(task.problem, task.seed) for task in runs})
    found = {(task.problem, task.seed, task.method): run for task, run in runs.items()}
    problems = standard_problems()
    regrets = np.array([
        [regret(problems[name], found[name, seed, method].values) for method in methods]
        for name, seed in cells
    ])  # fmt: skip
    judged = len(methods) - 1  # the control is shown and not ranked
    ranks = np.array([rankdata(row[:judged]) for row in regrets])
    value, interval = _rank_ratio(ranks, strata=[name for name, _ in cells])
    figures = [at_most("our mean rank over the best peer's", value, target=WORSE,
                       interval=interval)]  # fmt: skip
    figures += [
        Figure(name=f"mean rank of {method}", value=float(mean))
        for method, mean in zip(methods, ranks.mean(axis=0), strict=False)
    ]
    logs = np.log10(regrets)
    controls: dict[str, object] = {
        "ours against each: wins, ties, losses, p of Wilcoxon's signed-rank test": {
            method: _paired(logs[:, 0] - logs[:, column])
            for column, method in enumerate(methods)
            if column
        },
        "log10 regret, mean over seeds, by problem": {
            name: {
                method: float(np.mean(logs[[cell[0] == name for cell in cells], column]))
                for column, method in enumerate(methods)
            }
            for name in dict.fromkeys(name for name, _ in cells)
        },
        "CPU seconds of a proposal, median over runs": {
            method: float(np.median([run.proposal_seconds for (_, _, by), run in found.items()
                                     if by == method]))
            for method in methods
        },
        "seeds": len({seed for _, seed in cells}),
    }  # fmt: skip
    return Summary(figures, controls)


def _rank_ratio(
    ranks: NDArray[np.float64], *, strata: Sequence[str]
) -> tuple[float, tuple[float, float]]:
    """Our mean rank over the best peer's, and its interval; seeds are resampled by problem."""

    def ratio(rows: NDArray[np.float64]) -> float:
        means = rows.mean(axis=0)
        return float(means[0] / means[1:].min())

    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(np.array(strata) == name) for name in dict.fromkeys(strata)]
    draws = [
        ratio(ranks[np.concatenate([rng.choice(group, len(group)) for group in groups])])
        for _ in range(2000)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return ratio(ranks), (float(low), float(high))


def _paired(differences: NDArray[np.float64]) -> list[float]:
    """Wins, ties and losses of ours, and the two-sided p."""
    tied = np.abs(differences) < 1e-6
    p = 1.0 if tied.all() else float(wilcoxon(differences).pvalue)
    return [
        int(np.sum((differences < 0) & ~tied)),
        int(tied.sum()),
        int(np.sum((differences > 0) & ~tied)),
        p,
    ]


if __name__ == "__main__":
    main()
