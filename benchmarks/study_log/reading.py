"""One real worker's reading: its start, its syncs, its memory. For a process of its own."""

from __future__ import annotations

import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.study_log.filling import PREFIX
from benchmarks.study_log.made_up import STUDY
from benchmarks.study_log.server import Server
from tuner.artifacts import Patience
from tuner.backends.view import LogView
from tuner.log import Crowd, StudyLog
from tuner.spec import Direction, Objective
from tuner.worker.memory import KEPT, Memory

POLL_SECONDS = 1.0
LEAST_SECONDS = 1e-3
"""What takes less asked nothing of the store."""


FOLLOWERS = 4


class Crowded(Crowd):
    """One that asks more often than its share: for more samples in a short run."""

    pause_seconds = 30.0


def cold_records(server: Server) -> dict[str, float]:
    """Reads everything and keeps nothing: seconds, records, megabytes."""
    before = _megabytes()
    reader = StudyLog(server.store(), PREFIX).reader(crowd=_crowd(1920))
    begin = time.perf_counter()
    records = sum(map(len, reader.batches()))
    return {
        "seconds": time.perf_counter() - begin,
        "records": records,
        "megabytes": _megabytes() - before,
    }


def worker(server: Server, *, workers: int, seconds: float) -> dict[str, object]:
    """A worker that starts, and then follows: seconds of its start and of each of its syncs."""
    before = _megabytes()
    log = StudyLog(server.store(), PREFIX, patience=Patience(seconds=30))
    crowd = Crowded(ordinal=workers - 1, readers=workers, own=f"{STUDY}-{workers - 1}-")
    view = LogView(log, crowd=crowd)
    memory = Memory(view.chronicle, objectives=_objectives(), kept=KEPT)
    view.on_taken(memory.update)
    begin = time.perf_counter()
    view.refresh()
    start = time.perf_counter() - begin
    start_megabytes = _megabytes() - before
    context = get_context("fork")
    queue = context.SimpleQueue()
    followers = [
        context.Process(target=_follow, args=(server, view, memory, seconds, index, queue))
        for index in range(FOLLOWERS)
    ]
    for one in followers:
        one.start()
    syncs, counted = [], []
    for _ in followers:
        found, known, megabytes = queue.get()
        syncs += found
        counted.append(known)
    for one in followers:
        one.join()
    return {
        "start_seconds": start,
        "megabytes": max(start_megabytes, megabytes - before),
        "syncs": syncs,
        "trials_known": min(counted),
    }


def _follow(
    server: Server, view: LogView, memory: Memory, seconds: float, index: int, queue: Any
) -> None:
    """Goes on from a copy of the worker, with a connection of its own."""
    view._reader.use(server.store())
    view._tender = None
    syncs: list[float] = []
    deadline = time.monotonic() + seconds
    time.sleep(index * Crowded.pause_seconds / FOLLOWERS)
    while time.monotonic() < deadline:
        begin = time.perf_counter()
        view.refresh()
        taken = time.perf_counter() - begin
        if taken > LEAST_SECONDS:
            syncs.append(taken)
        time.sleep(POLL_SECONDS)
    queue.put((syncs, memory.counted, _megabytes()))


def _crowd(workers: int) -> Crowd:
    return Crowd(ordinal=workers - 1, readers=workers, own=f"{STUDY}-{workers - 1}-")


def _objectives() -> list[Objective]:
    return [
        Objective(metric="error", direction=Direction.MINIMIZE),
        Objective(metric="cost", direction=Direction.MINIMIZE),
    ]


def _megabytes() -> float:
    """Resident now."""
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith("VmHWM"):
            return float(row.split()[1]) / 1024
    raise OSError("no VmHWM in /proc/self/status")
