"""Row "real": fronts found on a cluster against an exhaustive grid, both in real pods.

    make cluster && python -m benchmarks.real_front [PROBLEM ...] [--seeds 2] [--minutes 5]

For each problem (digits, torch-conv) a study without a model and without early stopping runs every
configuration on three instance types that differ in CPU limit and price. Then Auto, with the
example's rungs, gets a quarter of the dollars that this was charged; no trial of it may cost more
than an eighth of them. Nothing is cached, so that each time is measured where it counts.

Beside it stands what a random order of the grid's own trials comes to for the same dollars, from
its measurements, on all types and on the one that costs least an hour. It takes long: --minutes
suspends what runs and keeps it, and the same command goes on; --forget begins anew. Ends with one
line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._cluster import find_cluster, placed
from benchmarks._report import Figure, bootstrap, report
from benchmarks.real_front.grids import PROBLEMS, Problem, code, instance_types
from benchmarks.real_front.scoring import Cell, Grid, Key

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "e2e" / "support"))

from kube import Kube, Object
from release import SECRET, SYSTEM, install

NAMESPACE = "real-front"
SHARE_OF_DOLLARS = 0.25
SHARE_OF_VOLUME = 0.95
SHARE_OF_A_TRIAL = 1 / 8
"""Of a search's money: what a trial may cost at worst is set aside while it runs."""
REPEATS = 1000
PROGRESS_SECONDS = 30.0


class OutOfTime(Exception):
    """The minutes are over; what runs is suspended and goes on with the next call."""


class Lab:
    """Runs studies to their end, however many calls that takes."""

    def __init__(self, kube: Kube, *, deadline: float) -> None:
        self._kube = kube
        self._deadline = deadline

    def prepare(self) -> None:
        """A namespace with the store's Secret, the code and the instance types."""
        if self._kube.get("secrets", SECRET, SYSTEM) is None:
            images = Path(os.environ["TUNER_CLUSTER_STATE"], "images.json")
            install(json.loads(images.read_text()))
        secret = self._kube.get("secrets", SECRET, SYSTEM)
        assert secret is not None, f"the chart makes the Secret {SECRET}"
        self._kube.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            placed({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET},
                    "data": secret["data"]}, NAMESPACE),
            placed(code(), NAMESPACE),
            *instance_types(),
        )  # fmt: skip

    def finished(self, manifest: dict[str, Any]) -> Object:
        """The study once it has ended. Raises OutOfTime."""
        name = manifest["metadata"]["name"]
        if self._kube.get("tuningstudies", name, NAMESPACE) is None:
            self._kube.apply(placed(manifest, NAMESPACE))
        self._suspend(name, False)
        shown = time.monotonic()
        while True:
            study = self._kube.get("tuningstudies", name, NAMESPACE) or {}
            if study.get("status", {}).get("completionTime"):
                _show(name, study)
                return study
            if time.monotonic() > self._deadline:
                self._suspend(name, True)
                _show(name, study)
                raise OutOfTime
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                _show(name, study)
            time.sleep(2)

    def trials(self, study: str) -> list[Object]:
        """Its trials."""
        found = self._kube.list("tuningtrials", NAMESPACE)
        return [one for one in found if one["spec"]["study"] == study]

    def _suspend(self, name: str, value: bool) -> None:
        self._kube.patch("tuningstudies", name, NAMESPACE, {"spec": {"suspend": value}})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--forget", action="store_true")
    asked = parser.parse_args()
    find_cluster()
    kube = Kube()
    if asked.forget:
        kube.delete("namespaces", NAMESPACE)
        return
    lab = Lab(kube, deadline=time.monotonic() + 60 * asked.minutes)
    lab.prepare()
    figures: list[Figure] = []
    controls: dict[str, object] = {}
    try:
        for name in asked.problems or PROBLEMS:
            found, control = measure(lab, PROBLEMS[name], seeds=asked.seeds)
            figures += found
            controls[name] = control
    except OutOfTime:
        raise SystemExit("the minutes are over: call again to go on") from None
    print(report("real", figures, controls=controls))


def measure(lab: Lab, problem: Problem, *, seeds: int) -> tuple[list[Figure], dict[str, object]]:
    """The grid, then the searches; figures and controls."""
    size = problem.configurations * len(instance_types())
    everything = problem.study(
        f"{problem.name}-grid",
        scheduler={"type": "None"},
        searcher={"type": "Random", "seed": 0},
        budget={"maxTrials": size},
    )
    study = lab.finished(everything)
    grid = _grid(lab.trials(everything["metadata"]["name"]), problem)
    paid = float(study["status"]["cost"]["spent"])
    budget = SHARE_OF_DOLLARS * paid
    shares, dollars, trials = [], [], []
    for seed in range(1, seeds + 1):
        search = problem.study(
            f"{problem.name}-auto-{seed}",
            searcher={"type": "Auto", "seed": seed},
            budget={"maxCost": round(budget, 6)},
            trialLimits={"maxCost": round(SHARE_OF_A_TRIAL * budget, 6)},
        )
        ended = lab.finished(search)
        mine = lab.trials(search["metadata"]["name"])
        shares.append(grid.share(_key(one) for one in _completed(mine)))
        dollars.append(float(ended["status"]["cost"]["spent"]) / paid)
        trials.append({"completed": len(_completed(mine)), "all": len(mine)})
    random = grid.random_shares(budget, repeats=REPEATS)
    cheapest = _cheapest()
    cheap = grid.random_shares(budget, repeats=REPEATS, within=lambda key: cheapest in key[1])
    worst = statistics.median(shares)
    figures = [
        Figure(
            name=f"{problem.name}: share of the grid's hypervolume, median of {seeds} seeds",
            value=worst,
            interval=(min(shares), max(shares)),
            target=SHARE_OF_VOLUME,
            met=worst >= SHARE_OF_VOLUME,
        ),
        Figure(
            name=f"{problem.name}: share of the grid's dollars, most of the seeds",
            value=max(dollars),
            target=SHARE_OF_DOLLARS,
            met=max(dollars) <= SHARE_OF_DOLLARS,
        ),
    ]
    control = {
        "configurations times types": size,
        "of them completed": len(grid.cells),
        "the grid's dollars": paid,
        "trials of each search": trials,
        "shares of each search": shares,
        "random order, median": statistics.median(random),
        "random order, 95 % interval of the median": bootstrap(random),
        "random order, share of draws that reach the target": _reached(random),
        f"random order on {cheapest}, median": statistics.median(cheap),
        f"random order on {cheapest}, share of draws that reach the target": _reached(cheap),
        "cells": [
            {"of": key, "values": cell.values, "paid": cell.paid_usd}
            for key, cell in grid.cells.items()
        ],
    }
    return figures, control


def _reached(shares: Sequence[float]) -> float:
    return statistics.fmean(one >= SHARE_OF_VOLUME for one in shares)


def _cheapest() -> str:
    """The type that costs least an hour."""
    least = min(instance_types(), key=lambda one: float(one["spec"]["pricePerHour"]))
    return str(least["metadata"]["name"])


def _show(name: str, study: Object) -> None:
    status = study.get("status", {})
    spent = status.get("cost", {}).get("spent")
    print(f"{name}: {status.get('trials')}, ${spent}", file=sys.stderr, flush=True)


def _grid(trials: list[Object], problem: Problem) -> Grid:
    first, second = problem.objectives
    return Grid(
        cells={
            _key(one): Cell(
                values=(one["status"]["metrics"][first], one["status"]["metrics"][second]),
                paid_usd=one["status"]["cost"],
            )
            for one in _completed(trials)
        }
    )


def _completed(trials: list[Object]) -> list[Object]:
    return [one for one in trials if one.get("status", {}).get("state") == "Completed"]


def _key(trial: Object) -> Key:
    spec = trial["spec"]
    types = tuple(name for _, name in sorted(spec["instanceTypes"].items()))
    return tuple(sorted(spec["parameters"].items())), types


if __name__ == "__main__":
    main()
