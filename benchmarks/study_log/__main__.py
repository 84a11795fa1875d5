"""The study log of 1,920 workers on a real MinIO: requests a second, syncs, starts, memory.

    python -m benchmarks.study_log [--trials 230000] [--workers 1920] [--seconds 60]

Fills a MinIO of its own with a study of one stage that has run at 32 trials a second until now, as
segments and, of the last minutes, single objects. Then a worker starts and follows it, while one
process makes every request that 1,920 workers, their agents and the operator make of the log:
proposals, ends and verdicts at that rate, syncs, compaction in turns, deletions. The server counts.
Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, at_most, bootstrap, percentile, report
from benchmarks.study_log.filling import fill
from benchmarks.study_log.fleet import Fleet, replay
from benchmarks.study_log.reading import cold_records, worker
from benchmarks.study_log.server import Server, running

REQUESTS = 200.0
SYNC_SECONDS = 0.05
COLD_SECONDS = 10.0
EVALUATION_SECONDS = 60.0
VERDICTS = 8
LEAST_SHARE = 0.9
"""Of the trials that a fleet should have written: below it, the machine was too slow to tell."""


def main() -> None:
    options = _options()
    # Whoever ends it early leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="study-log-", dir=options.folder))
    try:
        with running(folder) as server:
            print(_measured(server, options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(server: Server, options: argparse.Namespace) -> str:
    rate = options.workers / EVALUATION_SECONDS
    filled = fill(
        server, trials=options.trials, workers=options.workers, rate=rate, verdicts=VERDICTS
    )
    print(f"# filled: {filled}", flush=True)
    cold = _alone(cold_records, server)
    print(f"# cold: {cold}", flush=True)
    fleet = Fleet(
        workers=options.workers,
        rate=rate,
        verdicts=VERDICTS,
        first=-(-options.trials // options.workers),
        seconds=options.seconds,
    )
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        # The worker's start is measured before the fleet's requests begin.
        reader = pool.submit(
            worker, server, workers=options.workers, seconds=options.seconds + options.start
        )
        time.sleep(options.start)
        before = server.requests()
        said = pool.submit(replay, server, fleet).result()
        after = server.requests()
        read = reader.result()
    if "error" in said:
        raise SystemExit(f"the fleet failed: {said['error']}")
    counted = {kind: after[kind] - before.get(kind, 0.0) for kind in after}
    asked = {kind: count / options.seconds for kind, count in counted.items() if count}
    return _report(filled, cold=cold, said=said, read=read, asked=asked, fleet=fleet)


def _report(
    filled: Any,
    *,
    cold: dict[str, float],
    said: dict[str, Any],
    read: dict[str, Any],
    asked: dict[str, float],
    fleet: Fleet,
) -> str:
    syncs, puts = read["syncs"], said["put"]
    if not syncs or not puts:
        raise SystemExit("nothing was measured: --seconds must be some 30 at least")
    expected = (2 + 1 / VERDICTS) * fleet.rate * fleet.seconds
    p95 = percentile(syncs, 0.95)
    figures = [
        at_most("requests a second, all of the log", sum(asked.values()), target=REQUESTS),
        at_most(
            "sync, p95 seconds",
            p95,
            target=SYNC_SECONDS,
            interval=bootstrap(syncs, lambda them: percentile(them, 0.95)),
        ),
        Figure(name="sync, median seconds", value=percentile(syncs, 0.5)),
        at_most("cold read, seconds", cold["seconds"], target=COLD_SECONDS),
        Figure(
            name="a worker's start, folded and remembered, seconds", value=read["start_seconds"]
        ),
        Figure(name="memory of reading alone, MB", value=cold["megabytes"]),
        Figure(name="memory of a worker's history, MB", value=read["megabytes"]),
    ]
    controls = {
        "filled": asdict(filled),
        "records in a cold read": cold["records"],
        "CPU seconds of a cold read, and of a worker's start": [
            cold["cpu_seconds"],
            read["start_cpu_seconds"],
        ],
        "CPU seconds of a sync, mean, p95": _mean_p95(read["syncs_cpu"]),
        "requests a second by kind": asked,
        "share of the fleet's writes that were made": len(puts) / expected,
        "machine kept up": len(puts) / expected >= LEAST_SHARE,
        "put seconds, mean, p95": _mean_p95(puts),
        "requests of one sync, seconds, mean, p95": _mean_p95(said["sync"]),
        "turns": said["turns"],
        "seconds of a turn, median, p95": [
            percentile(said["turn"], 0.5) if said["turn"] else None,
            percentile(said["turn"], 0.95) if said["turn"] else None,
        ],
        "syncs measured": len(syncs),
        "trials known at the end": read["trials_known"],
        "trials that ended": filled.trials + len(puts) / (2 + 1 / VERDICTS),
    }
    return report("study_log", figures, controls=controls)


def _mean_p95(samples: list[float]) -> list[float]:
    return [sum(samples) / max(1, len(samples)), percentile(samples, 0.95)]


def _alone(action: Callable[[Server], dict[str, float]], server: Server) -> dict[str, float]:
    """Runs it in a process that has done nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(action, server).result()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=230_000, help="that have ended")
    parser.add_argument("--workers", type=int, default=1920)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the fleet")
    parser.add_argument("--start", type=float, default=30.0, help="seconds for a worker to start")
    parser.add_argument("--folder", type=Path, default=None, help="where MinIO keeps its data")
    return parser.parse_args()


if __name__ == "__main__":
    main()
