"""Row "real": fronts found on a cluster against an exhaustive grid, both in real pods.

    make cluster && python -m benchmarks.real_front [PROBLEM ...] [--seeds 2] [--minutes 5]

For each problem (digits, torch-conv) a study without a model and without early stopping runs every
configuration on three instance types that differ in CPU limit and price. Then Auto, with the
example's rungs, gets a quarter of the dollars that this was charged; no trial of it may cost more
than an eighth of them. Nothing is cached, so that each time is measured where it counts.

Beside it stand Auto with every trial in full, and what a random order of the grid's own trials
comes to for the same dollars, from its measurements, on all types and on the one that costs least
an hour. It takes long: --minutes suspends what runs and keeps it, and the same command goes on;
--forget begins anew. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks._cluster import released
from benchmarks._report import Figure, at_least, at_most, bootstrap, report
from benchmarks.real_front.grids import PROBLEMS, Manifest, Problem, instance_types
from benchmarks.real_front.lab import NAMESPACE, Lab, Object, OutOfTime
from benchmarks.real_front.scoring import Cell, Grid, Key

SHARE_OF_DOLLARS = 0.25
SHARE_OF_VOLUME = 0.95
SHARE_OF_A_TRIAL = 1 / 8
"""Of a search's money: what a trial may cost at worst is set aside while it runs."""
REPEATS = 1000

OURS = "auto"
WAYS: Mapping[str, Manifest] = {OURS: {}, "full": {"scheduler": {"type": "None"}}}
"""How Auto searches: with the example's rungs, or every trial in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search came to.

    Attributes:
        share: Of the grid's hypervolume.
        dollars: Spent, as a share of the grid's.
        completed: So many trials ran to their end.
        trials: So many were started.
    """

    share: float
    dollars: float
    completed: int
    trials: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--forget", action="store_true")
    asked = parser.parse_args()
    kube = released(anew=False)
    if asked.forget:
        kube.delete("namespaces", NAMESPACE)
        return
    lab = Lab(kube, deadline=time.monotonic() + 60 * asked.minutes)
    lab.prepare()
    figures: list[Figure] = []
    controls: dict[str, object] = {}
    try:
        for name in asked.problems or PROBLEMS:
            problem = PROBLEMS[name]
            grid = measured(lab, problem)
            searches = {
                way: [searched(lab, problem, grid, way=way, seed=1 + seed) for seed in seeds]
                for way, seeds in ((way, range(asked.seeds)) for way in WAYS)
            }
            figures += figures_of(problem, searches[OURS])
            controls[name] = controls_of(grid, searches)
    except OutOfTime:
        raise SystemExit("the minutes are over: call again to go on") from None
    print(report("real", figures, controls=controls))


def measured(lab: Lab, problem: Problem) -> Grid:
    """Every configuration on every type. Raises OutOfTime."""
    name = f"{problem.name}-grid"
    lab.finished(
        problem.study(
            name,
            scheduler={"type": "None"},
            searcher={"type": "Random", "seed": 0},
            budget={"maxTrials": problem.configurations * len(instance_types())},
        )
    )
    first, second = problem.objectives
    return Grid(
        cells={
            _key(one): Cell(
                values=(one["status"]["metrics"][first], one["status"]["metrics"][second]),
                paid_usd=one["status"]["cost"],
            )
            for one in _completed(lab.trials(name))
        }
    )


def searched(lab: Lab, problem: Problem, grid: Grid, *, way: str, seed: int) -> Search:
    """What one search found of the grid's front. Raises OutOfTime."""
    budget = SHARE_OF_DOLLARS * grid.paid_usd
    name = f"{problem.name}-{way}-{seed}"
    ended = lab.finished(
        problem.study(
            name,
            searcher={"type": "Auto", "seed": seed},
            budget={"maxCost": round(budget, 6)},
            trialLimits={"maxCost": round(SHARE_OF_A_TRIAL * budget, 6)},
            **WAYS[way],
        )
    )
    trials = lab.trials(name)
    return Search(
        share=grid.share(_key(one) for one in _completed(trials)),
        dollars=float(ended["status"]["cost"]["spent"]) / grid.paid_usd,
        completed=len(_completed(trials)),
        trials=sum("cost" in one.get("status", {}) for one in trials),
    )


def figures_of(problem: Problem, searches: Sequence[Search]) -> list[Figure]:
    """What was promised."""
    shares = [one.share for one in searches]
    median, dearest = statistics.median(shares), max(one.dollars for one in searches)
    return [
        at_least(
            f"{problem.name}: share of the grid's hypervolume, median of {len(shares)} seeds",
            median,
            target=SHARE_OF_VOLUME,
            interval=(min(shares), max(shares)),
        ),
        at_most(
            f"{problem.name}: share of the grid's dollars, most of the seeds",
            dearest,
            target=SHARE_OF_DOLLARS,
        ),
    ]


def controls_of(grid: Grid, searches: Mapping[str, Sequence[Search]]) -> dict[str, object]:
    """The grid, every search, and random orders of the grid for the same money."""
    budget = SHARE_OF_DOLLARS * grid.paid_usd
    cheapest = _cheapest()
    drawn = {
        "random order": grid.random_shares(budget, repeats=REPEATS),
        f"random order on {cheapest}": grid.random_shares(
            budget, repeats=REPEATS, within=lambda key: cheapest in key[1]
        ),
    }
    return {
        "cells completed": len(grid.cells),
        "the grid's dollars": grid.paid_usd,
        **{
            way: [[one.share, one.dollars, one.completed, one.trials] for one in of]
            for way, of in searches.items()
        },
        **{
            name: {
                "median": statistics.median(shares),
                "95 % interval of the median": bootstrap(shares),
                "draws that reach the target": statistics.fmean(
                    one >= SHARE_OF_VOLUME for one in shares
                ),
            }
            for name, shares in drawn.items()
        },
        "front": sorted((cell.values, key) for key, cell in grid.front.items()),
    }


def _cheapest() -> str:
    """The type that costs least an hour."""
    least = min(instance_types(), key=lambda one: float(one["spec"]["pricePerHour"]))
    return str(least["metadata"]["name"])


def _completed(trials: list[Object]) -> list[Object]:
    return [one for one in trials if one.get("status", {}).get("state") == "Completed"]


def _key(trial: Object) -> Key:
    spec = trial["spec"]
    types = tuple(name for _, name in sorted(spec["instanceTypes"].items()))
    return tuple(sorted(spec["parameters"].items())), types


if __name__ == "__main__":
    main()
