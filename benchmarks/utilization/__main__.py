"""How much of the workers' time goes into evaluations, from 40 workers to 4,096.

    python -m benchmarks.utilization [--costs FILE] [--plots DIR]

Virtual time, two hours of it as in the published runs; what a proposal and reading the log cost is
measured for real first (benchmarks.utilization.measure, some five minutes; --costs takes what it
wrote earlier), what the store takes is measured on a real MinIO (`STORE`). Evaluations only sleep.
First the simulator is held against the published runs with a manager: nothing else counts unless
that holds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks._one_thread import one_thread
from benchmarks._report import Figure, at_most, report
from benchmarks.plots import Series, lines
from benchmarks.utilization import authors, measure
from benchmarks.utilization.controls import centralized, random, synchronous
from benchmarks.utilization.decentralized import simulate
from benchmarks.utilization.measure import Measured
from benchmarks.utilization.setting import (
    Costs,
    Delays,
    Draw,
    Faults,
    Outcome,
    Setting,
    interpolated,
    lognormal,
    normal,
)

STORE = Delays(put=0.03, sync=0.035)
"""Seconds on a real MinIO under the load of 1,920 workers; see docs/benchmarks.md, study log."""

POD = Delays(put=STORE.put, sync=STORE.sync, notice=1.0, begin=2.0)
"""With a pod for each evaluation: hand-over and start, as benchmarks.overhead measures them."""

RESTART = 5.0
"""CPU seconds of a worker's start: imports and its first fit (benchmarks.latency)."""

LONG = lognormal(468.0, sigma=0.5)
SHORT = normal(60.0, 20.0)
PLACES = (40, 160, 640, 1_920)
SHORT_PLACES = (1_920, 4_096)
PER_WORKER = 8
DEAD_SHARE, DEAD_SECONDS = 0.2, 30.0
AWAY = (3_600.0, 3_660.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--costs", type=Path, metavar="FILE", help="measured before")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write SVG files there")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    options = parser.parse_args()
    one_thread()
    measured = _measured(options.costs, quick=options.quick)
    costs = costs_of(measured)
    horizon = 600.0 if options.quick else 7_200.0
    runs = dict(_runs(costs, horizon=horizon))
    figures = [*_validation(), *_figures(runs, measured)]
    controls: dict[str, object] = {
        "proposals, CPU seconds by length": {one.trials: one.mean for one in measured},
        "reading a trial, CPU seconds by length": {one.trials: one.reading for one in measured},
        "worker, resident MB by length": {one.trials: one.megabytes for one in measured},
        "store, seconds": {"put": STORE.put, "sync": STORE.sync},
        "runs": {name: _told(one) for name, one in runs.items()},
    }
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
        (options.plots / "utilization.svg").write_text(_plot(runs))
    print(report("utilization", figures, controls=controls))


def costs_of(measured: list[Measured]) -> Costs:
    """What a worker pays, from what was measured."""
    reading = measured[-1].reading
    return Costs(
        proposal=interpolated([(one.trials, one.mean) for one in measured]),
        reading=reading,
        restart=RESTART,
        first_reading=reading,
    )


def _measured(path: Path | None, *, quick: bool) -> list[Measured]:
    if path is not None:
        return measure.load(path)
    lengths = measure.LENGTHS[:2] if quick else measure.LENGTHS
    workers = 40 if quick else 1_920
    return list(measure.measure(workers, lengths=lengths, proposals=2 if quick else 6))


def _runs(costs: Costs, *, horizon: float) -> Iterator[tuple[str, Outcome]]:
    def setting(places: int, draw: Draw, **more: object) -> Setting:
        base = Setting(places=places, draw=draw, delays=STORE, costs=costs, horizon=horizon)
        return replace(base, **more)  # type: ignore[arg-type]

    for places in PLACES:
        alone = setting(places, LONG)
        yield f"468 s, {places}: own", simulate(alone)
        yield f"468 s, {places}: ahead", simulate(replace(alone, look_ahead=True))
        yield f"468 s, {places}: 8 a worker", simulate(replace(alone, places_per_worker=PER_WORKER))
        yield f"468 s, {places}: pods", simulate(replace(alone, delays=POD))
        yield f"468 s, {places}: manager", centralized(alone)
        yield f"468 s, {places}: random", random(alone)
        yield f"468 s, {places}: rounds", synchronous(alone)
    for places in SHORT_PLACES:
        alone = setting(places, SHORT)
        yield f"60 s, {places}: own", simulate(alone)
        yield f"60 s, {places}: ahead", simulate(replace(alone, look_ahead=True))
        yield f"60 s, {places}: 8 a worker", simulate(replace(alone, places_per_worker=PER_WORKER))
        yield (
            f"60 s, {places}: pods, ahead",
            simulate(replace(alone, delays=POD, places_per_worker=PER_WORKER, look_ahead=True)),
        )
        yield f"60 s, {places}: manager", centralized(alone)
        yield f"60 s, {places}: rounds", synchronous(alone)
    calm = setting(1_920, SHORT, places_per_worker=PER_WORKER)
    yield "faults: none", simulate(calm)
    yield (
        "faults: 20 % die, the store is away",
        simulate(replace(calm, faults=faults(1_920 // PER_WORKER, horizon=horizon))),
    )


def faults(workers: int, *, horizon: float, seed: int = 1) -> Faults:
    """A fifth of the workers die once, at random times; the store is away for a minute."""
    rng = np.random.default_rng(seed)
    dying = rng.permutation(workers)[: round(DEAD_SHARE * workers)].tolist()
    times = rng.uniform(0.0, horizon, size=len(dying)).tolist()
    start, end = (one * horizon / 7_200.0 for one in AWAY)
    return Faults(
        deaths=list(zip(dying, times, strict=True)),
        dead_seconds=DEAD_SECONDS,
        away=(start, end),
    )


def dead_share(workers: int, costs: Costs, *, horizon: float, proposed: int) -> float:
    """What the faults take at least: processes that are not there, and a store that is away."""
    each = DEAD_SECONDS + costs.restart + 0.5 * proposed * costs.first_reading
    away = (AWAY[1] - AWAY[0]) / 7_200.0
    return DEAD_SHARE * each / horizon + away


def _validation() -> Iterator[Figure]:
    for places, theirs in authors.CENTRALIZED.items():
        for name, seconds in (
            ("650 s", authors.EVALUATION_SECONDS),
            ("as long as theirs", theirs.busy_seconds(places)),
        ):
            found = authors.reproduced(places, evaluation_seconds=seconds)
            where = f"their manager at {places}, {name}"
            off = abs(found.utilization - theirs.utilization)
            yield at_most(f"{where}: utilization is off by", off, target=0.1)
            ratio = abs(found.finished / theirs.evaluations - 1)
            yield at_most(f"{where}: evaluations are off by, share", ratio, target=0.15)


def _figures(runs: Mapping[str, Outcome], measured: list[Measured]) -> Iterator[Figure]:
    for places in PLACES:
        yield _at_least(f"468 s, {places}: ahead", runs, target=0.99)
        yield _at_least(f"468 s, {places}: own", runs, target=0.97)
    for places in SHORT_PLACES:
        yield _at_least(f"60 s, {places}: own", runs, target=0.95)
        yield _at_least(f"60 s, {places}: ahead", runs, target=0.95)
        yield _at_least(f"60 s, {places}: 8 a worker", runs, target=0.95)
    longest = measured[-1]
    name = f"CPU seconds of a proposal at {longest.trials} trials"
    yield at_most(name, longest.mean, target=1.0)
    calm, hit = runs["faults: none"], runs["faults: 20 % die, the store is away"]
    dead = dead_share(
        1_920 // PER_WORKER, costs_of(measured), horizon=7_200.0, proposed=hit.proposed
    )
    yield at_most("faults: utilization lost", calm.utilization - hit.utilization, target=dead)
    yield at_most("faults: trials lost or ended twice", hit.lost + hit.twice, target=0)


def _at_least(name: str, runs: Mapping[str, Outcome], *, target: float) -> Figure:
    value = runs[name].utilization
    return Figure(name=f"{name}: utilization", value=value, target=target, met=value >= target)


def _told(one: Outcome) -> dict[str, float]:
    told = {
        "utilization": one.utilization,
        "finished": one.finished,
        "CPU seconds of a proposal": one.proposal_seconds,
        "CPU seconds of reading before it": one.reading_seconds,
    }
    if one.repeated:
        told["repeated"] = one.repeated
    return told


def _plot(runs: Mapping[str, Outcome]) -> str:
    def series(name: str, key: str, *, dashed: bool = False) -> Series:
        values = [runs[f"468 s, {places}: {key}"].utilization for places in PLACES]
        return Series(name=name, x=PLACES, y=values, dashed=dashed)

    theirs = {
        "published, decentralised": authors.DECENTRALIZED,
        "published, manager": authors.CENTRALIZED,
    }
    return lines(
        [
            series("ours", "own"),
            series("ours, next proposal ahead", "ahead"),
            series("ours, a pod each", "pods"),
            series("our proposals, one manager", "manager", dashed=True),
            series("rounds", "rounds", dashed=True),
            *(
                Series(
                    name=name,
                    x=list(known),
                    y=[one.utilization for one in known.values()],
                    dashed=True,
                )
                for name, known in theirs.items()
            ),
        ],
        title="Busy share of the workers' time, 468 s evaluations",
        x_label="workers",
        y_label="utilization",
        log_x=True,
    )


if __name__ == "__main__":
    main()
