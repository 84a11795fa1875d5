"""Seconds per proposal beside optuna's GPSampler and plain botorch, on one core.

    make bench-env && .venv-bench/bin/python -m benchmarks.latency

A made-up study of 14 mixed parameters and an instance type, 3 objectives and 3 stages, at three
lengths. Each method runs in a fresh process with one thread, one process at a time; after each
proposal its result joins the history. Figures are CPU seconds, which is what passes on a
core that does nothing else; what passed on the clock stands beside. `first, cold` counts from the
start of the process: imports, reading the history, the proposal. `with refits` is the slow end of
proposals for which nothing was kept, every model fitted anew: what only happens when a model has
grown by a quarter, or after a restart.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._one_thread import one_thread
from benchmarks._report import Figure, at_most, bootstrap, percentile, report
from benchmarks.latency.child import OURS
from benchmarks.latency.history import MadeUpStudy

PEERS = ("optuna-gp", "botorch")
MEDIAN = {100: 0.25, 1_000: 0.6, 10_000: 1.0}
SLOW = {100: 0.5, 1_000: 1.2, 10_000: 2.0}
COLD = 10.0
PROPOSALS = {100: 40, 1_000: 30, 10_000: 20}
PEERS_PROPOSALS = 8
CANDIDATES, PREFIXES = 2_000, 10
KILLED = (-signal.SIGXCPU, -signal.SIGKILL)

Line = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--length", type=int, action="append", choices=list(MEDIAN), metavar="N")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--limit", type=int, default=60, help="CPU seconds of a peer's process")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    options = parser.parse_args()
    lengths = options.length or ([100] if options.quick else list(MEDIAN))
    peers = () if options.no_peers else PEERS
    one_thread()
    figures: list[Figure] = []
    controls: dict[str, object] = {"cores": 1, "machine's load at the start": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        for length in lengths:
            path = Path(folder, f"{length}.pickle")
            path.write_bytes(pickle.dumps(MadeUpStudy.of_length(length)))
            count = 5 if options.quick else PROPOSALS[length]
            lines = _child(OURS, path, proposals=count)
            figures += _figures(length, lines)
            controls[f"n = {length}: pool"] = _pool(lines)
            for peer in peers:
                told = _child(peer, path, proposals=PEERS_PROPOSALS, limit=options.limit)
                controls[f"n = {length}: {peer}"] = _peer(told, limit=options.limit)
    print(report("latency", figures, controls=controls))


def _child(method: str, study: Path, *, proposals: int, limit: int = 0) -> list[Line]:
    """What the process printed until it ended or had used so many CPU seconds."""
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.latency.child", method, str(study),
             f"--proposals={proposals}", f"--limit={limit}", f"--began={time.time()}"]  # fmt: skip
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode and not (limit and done.returncode in KILLED):
        raise RuntimeError(f"{method} ended with {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _figures(length: int, lines: Sequence[Line]) -> list[Figure]:
    warm, refits = _seconds(lines, "warm"), _seconds(lines, "refit")
    cold = next(line["start cpu"] for line in lines if line["kind"] == "cold")
    name = f"n = {length}"
    return [
        at_most(f"{name}: p50, seconds", statistics.median(warm), target=MEDIAN[length],
                interval=bootstrap(warm)),
        at_most(f"{name}: p95 with refits, seconds", percentile(refits, 0.95),
                target=SLOW[length]),
        Figure(name=f"{name}: p95 as they come, seconds", value=percentile(warm, 0.95)),
        at_most(f"{name}: first, cold, seconds", cold, target=COLD),
    ]  # fmt: skip


def _pool(lines: Sequence[Line]) -> dict[str, object]:
    """The least number of candidates of any proposal, and the prefixes of one."""
    candidates = min(line["candidates"] for line in lines if "candidates" in line)
    prefixes = next(line["count"] for line in lines if line["kind"] == "prefixes")
    if candidates < CANDIDATES or prefixes < PREFIXES:
        raise RuntimeError(f"the pool has {candidates} candidates, {prefixes} prefixes")
    wall = statistics.median(line["wall"] for line in lines if line["kind"] == "warm")
    cold = next(line["start wall"] for line in lines if line["kind"] == "cold")
    return {"candidates": candidates, "prefixes": prefixes,
            "p50 and first, cold on the clock": [wall, cold]}  # fmt: skip


def _peer(lines: Sequence[Line], *, limit: int) -> dict[str, object] | str:
    """Seconds of a peer, or that it was cut."""
    if not lines:
        return f"no proposal in {limit} CPU seconds"
    cold = next(line["start cpu"] for line in lines if line["kind"] == "cold")
    warm = _seconds(lines, "warm")
    if not warm:
        return {"first, cold": cold, "p50": f"more than {limit - cold:.0f}"}
    return {"first, cold": cold, "p50": statistics.median(warm), "slowest": max(warm),
            "proposals": len(warm)}  # fmt: skip


def _seconds(lines: Sequence[Line], kind: str) -> list[float]:
    return [float(line["cpu"]) for line in lines if line["kind"] == kind]


if __name__ == "__main__":
    main()
