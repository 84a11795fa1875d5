"""What many workers find in the same time: ours and deephyper's, without and with a manager.

    make bench-env && .venv-bench/bin/python -m benchmarks.utilization.regret --runs FILE

One function (Hartmann 6), evaluations of 60 +- 20 s in virtual time, 40 places for 480 s and 160
for 240 s. A manager and deephyper's workers are charged the CPU seconds that proposals take; our
workers share here what they would each compute alike, and are charged half a second a proposal,
more than it takes. Runs are kept in FILE, one line each, and what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks._one_thread import one_thread
from benchmarks._report import Figure, report
from benchmarks.problems.standard import Standard, standard_problems
from benchmarks.utilization.proposers import deephyper, ours
from benchmarks.utilization.race import Point, Proposer, Race, regret_at
from benchmarks.utilization.setting import normal

PROBLEM = "hartmann6"
HORIZONS = {40: 480.0, 160: 240.0}
CHARGED = 0.5
MARKS = (0.5, 0.75, 1.0)
"""Shares of the horizon at which regret is told."""

Make = Callable[[Standard, int, int], list[Proposer]]

METHODS: Mapping[str, tuple[Make, float | None]] = {
    "ours": (lambda one, n, seed: ours(one, kind="Auto", workers=n, seed=seed), CHARGED),
    "ours, a manager": (lambda one, n, seed: ours(one, kind="Auto", workers=1, seed=seed), None),
    "ours, a manager charged alike": (
        lambda one, n, seed: ours(one, kind="Auto", workers=1, seed=seed),
        CHARGED,
    ),
    "random": (lambda one, n, seed: ours(one, kind="Random", workers=n, seed=seed), 0.0),
    "deephyper": (lambda one, n, seed: deephyper(one, workers=n, seed=seed), None),
    "deephyper, a manager": (
        lambda one, n, seed: deephyper(one, workers=n, seed=seed, manager=True),
        None,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--places", type=int, action="append", choices=list(HORIZONS))
    parser.add_argument("--method", action="append", choices=list(METHODS))
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    options = parser.parse_args()
    one_thread()
    warnings.simplefilter("ignore")
    rows = _kept(options.runs)
    for seed in range(options.seeds):
        for places in options.places or HORIZONS:
            for method in options.method or METHODS:
                key = (method, places, seed)
                if key in rows:
                    continue
                rows[key] = _run(method, places=places, seed=seed, quick=options.quick)
                with options.runs.open("a") as file:
                    file.write(json.dumps([*key, rows[key]]) + "\n")
    print(report("regret", list(figures(rows)), controls=_controls(rows)))


Key = tuple[str, int, int]
Row = Mapping[str, float]


def _kept(path: Path) -> dict[Key, Row]:
    lines = path.read_text().splitlines() if path.exists() else ()
    known = (json.loads(line) for line in lines)
    return {(method, places, seed): row for method, places, seed, row in known}


def _run(method: str, *, places: int, seed: int, quick: bool) -> Row:
    problem = standard_problems()[PROBLEM]
    horizon = 100.0 if quick else HORIZONS[places]
    race = Race(
        problem=problem, places=places, draw=normal(60.0, 20.0), horizon=horizon, seed=seed,
        instance_type=next(iter(problem.declared.instance_types)),
    )  # fmt: skip
    make, seconds = METHODS[method]
    points, busy = race.run(make(problem, places, seed), seconds=seconds)
    return {"utilization": busy, "evaluations": len(points), **_regrets(points, problem, horizon)}


def _regrets(points: Sequence[Point], problem: Standard, horizon: float) -> dict[str, float]:
    return {
        f"log10 regret at {share:g}": math.log10(
            min(regret_at(points, share * horizon, optimum=problem.optimum), 1e3)
        )
        for share in MARKS
    }


def figures(rows: Mapping[Key, Row]) -> Iterator[Figure]:
    """Ours against each other method: the mean over seeds of the difference of log10 regret."""
    last = f"log10 regret at {MARKS[-1]:g}"
    for places in HORIZONS:
        for method in METHODS:
            seeds = [
                seed
                for name, where, seed in rows
                if name == method and where == places and ("ours", places, seed) in rows
            ]
            if method == "ours" or not seeds:
                continue
            gaps = [
                rows["ours", places, seed][last] - rows[method, places, seed][last]
                for seed in seeds
            ]
            value = statistics.mean(gaps)
            yield Figure(
                name=f"{places} places: log10 regret, ours less {method} ({len(gaps)} seeds)",
                value=value,
                interval=(min(gaps), max(gaps)),
                target=0.0,
                met=value <= 0.0,
            )


def _controls(rows: Mapping[Key, Row]) -> dict[str, object]:
    return {
        f"{method}, {places} places, seed {seed}": dict(row)
        for (method, places, seed), row in sorted(rows.items())
    }


if __name__ == "__main__":
    main()
