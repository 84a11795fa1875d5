"""Runs a real pipeline where its replay says that it is best, and at random: how far is it off?

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.recordings.check text --data DIR

Prints one line of JSON: replayed and real values of the objective at the best configurations of a
brute-force search on the replay, and at random ones. None of them was used for the fit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks._arguments import default_data
from benchmarks.problems.manifest import space_of
from benchmarks.problems.reachable import reachable
from benchmarks.problems.recorded import Recorded
from benchmarks.problems.replay import Replay, replay
from benchmarks.recordings._nested import Recording, Values

EFFORT = {"samples": 300, "rounds": 60, "children": 50}
"""Of each search for the best of the replay."""


def real(recording: Recording, values: Values) -> float:
    """The objective of the first task, computed."""
    given: object = recording.tasks[next(iter(recording.design))]
    metrics: dict[str, float] = {}
    for stage in recording.stages:
        given, reported = stage.run({name: values[name] for name in stage.space.names}, given)
        metrics |= reported
    return metrics[str(recording.objectives[0]["metric"])]


def pairs(recording: Recording, problem: Replay, chosen: Sequence[Values]) -> dict[str, object]:
    """Replayed and real values, and the median of their ratio."""
    replayed = [float(problem.final(values)[0]) for values in chosen]
    computed = [real(recording, values) for values in chosen]
    ratios = np.array(computed) / np.array(replayed)
    return {
        "replayed": [round(one, 5) for one in replayed],
        "real": [round(one, 5) for one in computed],
        "median ratio": round(float(np.median(ratios)), 3),
    }


def main() -> None:
    """Checks one recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["text", "stacking", "torch"])
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    module = import_module(f"benchmarks.recordings.{options.name}")
    recording: Recording = module.recording(options.data)
    recorded = Recorded.read(options.name)
    problem = replay(recorded, fidelity=False)
    rng = np.random.default_rng(7)
    random: list[Values] = [space_of(problem).sample(rng) for _ in range(options.count)]
    searches = [reachable(problem, seed=seed, **EFFORT) for seed in range(options.count)]
    best = [one.configurations[0].parameters for one in searches]
    found = {
        "recording": options.name,
        "best recorded": min(float(row[recorded.metric]) for row in recorded.of(recorded.tasks[0])),
        "at the best of the replay": pairs(recording, problem, best),
        "at random": pairs(recording, problem, random),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
