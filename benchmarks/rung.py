"""How long one rung decision takes: `python -m benchmarks.rung`, a minute, no cluster.

CPU milliseconds of `MultiObjectiveHyperband.decide` for newcomers to rungs of many records, from
independent objectives (many small fronts) to strictly conflicting ones (one front of all).
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping

from benchmarks._report import at_most, report
from tuner.schedulers import MultiObjectiveHyperband, RungRecord

TARGET_MS = 50.0
NEWCOMERS = 9
Vector = tuple[float, ...]


def _independent(objectives: int) -> Callable[[random.Random], Vector]:
    return lambda rng: tuple(rng.random() for _ in range(objectives))


def _conflicting(objectives: int, *, spread: float) -> Callable[[random.Random], Vector]:
    """Vectors whose sum is 1, or up to `spread` more or less."""

    def draw(rng: random.Random) -> Vector:
        parts = [rng.expovariate(1.0) for _ in range(objectives)]
        total = sum(parts) * (1.0 + spread * (rng.random() - 0.5))
        return tuple(part / total for part in parts)

    return draw


def _priced(rng: random.Random) -> Vector:
    """Error, run time, and cost: the run time at one of three prices."""
    seconds = rng.expovariate(1.0)
    return (rng.random() / (1.0 + seconds), seconds, seconds * rng.choice((0.5, 1.0, 3.0)))


RUNGS: Mapping[str, Callable[[random.Random], Vector]] = {
    "2 independent": _independent(2),
    "3 independent": _independent(3),
    "5 independent": _independent(5),
    "error, time and cost": _priced,
    "2 conflicting": _conflicting(2, spread=0.0),
    "3 nearly conflicting": _conflicting(3, spread=0.1),
    "3 conflicting": _conflicting(3, spread=0.0),
    "5 conflicting": _conflicting(5, spread=0.0),
}


def milliseconds(
    draw: Callable[[random.Random], Vector], *, records: int, seed: int
) -> list[float]:
    """CPU milliseconds of one decision each, for newcomers spread over a rung."""
    rng = random.Random(seed)
    rung = [RungRecord(trial=f"s-0-{index}", vector=draw(rng)) for index in range(records)]
    scheduler = MultiObjectiveHyperband(
        minimum=1, maximum=27, reduction_factor=3, minimize=(True,) * len(rung[0].vector)
    )
    taken = []
    for newcomer in rng.sample(rung, NEWCOMERS):
        start = time.process_time()
        scheduler.decide(3, rung=rung, trial=newcomer.trial)
        taken.append(1000 * (time.process_time() - start))
    return taken


def main() -> None:
    """Measures every kind of rung and prints the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    figures = []
    for name, draw in RUNGS.items():
        taken = milliseconds(draw, records=asked.records, seed=asked.seed)
        figures.append(
            at_most(
                f"decision among {asked.records} records, {name}, median, ms",
                statistics.median(taken),
                target=TARGET_MS,
                interval=(min(taken), max(taken)),
            )
        )
    print(report("rung", figures, controls={"newcomers": NEWCOMERS, "seed": asked.seed}))


if __name__ == "__main__":
    main()
