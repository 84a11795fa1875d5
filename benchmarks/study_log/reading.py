"""One real worker's reading: its start, its syncs, its memory. For a process of its own."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.study_log.filling import PREFIX
from benchmarks.study_log.made_up import STUDY
from benchmarks.study_log.server import Server
from tuner.artifacts import Patience
from tuner.backends.view import LogView
from tuner.log import Crowd, StudyLog
from tuner.spec import Direction, Objective
from tuner.worker.memory import KEPT, Memory
from tuner.worker.pod import COLLECT

POLL_SECONDS = 1.0
LEAST_SECONDS = 1e-3
"""What takes less asked nothing of the store."""

FOLLOWERS = 4
LATE_SECONDS = 60.0
"""A follower that says nothing for so long after its end has failed."""


class Crowded(Crowd):
    """One that asks more often than its share: for more samples in a short run."""

    pause_seconds = 15.0


def cold_records(server: Server) -> dict[str, float]:
    """Reads everything and keeps nothing: seconds, records, megabytes."""
    gc.set_threshold(*COLLECT)
    before = _megabytes()
    reader = StudyLog(server.store(), PREFIX).reader(crowd=_crowd(1920))
    begin, cpu = time.perf_counter(), time.process_time()
    records = sum(map(len, reader.batches()))
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "records": records,
        "megabytes": _megabytes() - before,
    }


def worker(server: Server, *, workers: int, seconds: float) -> dict[str, object]:
    """A worker that starts, and then follows: seconds of its start and of each of its syncs.

    Several follow, copies of the one that started, each at times of its own.
    """
    gc.set_threshold(*COLLECT)
    before = _megabytes()
    log = StudyLog(server.store(), PREFIX, patience=Patience(seconds=30))
    crowd = Crowded(ordinal=workers - 1, readers=workers, own=f"{STUDY}-{workers - 1}-")
    view = LogView(log, crowd=crowd)
    memory = Memory(view.chronicle, objectives=_objectives(), kept=KEPT)
    view.on_taken(memory.update)
    begin, cpu = time.perf_counter(), time.process_time()
    view.refresh()
    start, start_cpu = time.perf_counter() - begin, time.process_time() - cpu
    found = _followed(server, view, memory, seconds=seconds)
    return {
        "start_seconds": start,
        "start_cpu_seconds": start_cpu,
        "megabytes": max(one.megabytes for one in found) - before,
        "syncs": [seconds for one in found for seconds, _ in one.syncs],
        "syncs_cpu": [seconds for one in found for _, seconds in one.syncs],
        "trials_known": min(one.known for one in found),
    }


@dataclass(frozen=True)
class _Followed:
    """Seconds and CPU seconds of the syncs of one follower, how many trials it knows, its size."""

    syncs: list[tuple[float, float]]
    known: int
    megabytes: float


def _followed(server: Server, view: LogView, memory: Memory, *, seconds: float) -> list[_Followed]:
    context = get_context("fork")
    deadline = time.monotonic() + seconds + LATE_SECONDS
    started = []
    for index in range(FOLLOWERS):
        mine, its = context.Pipe(duplex=False)
        follower = context.Process(
            target=_follow, args=(server, view, memory, seconds, index, its), daemon=True
        )
        follower.start()
        its.close()
        started.append((mine, follower))
    found = []
    for mine, follower in started:
        if not mine.poll(max(0.0, deadline - time.monotonic())):
            raise TimeoutError("a follower of the log did not come to its end")
        found.append(mine.recv())
        follower.join(timeout=LATE_SECONDS)
    return found


def _follow(
    server: Server, view: LogView, memory: Memory, seconds: float, index: int, said: Connection
) -> None:
    """Goes on from a copy of the worker, with a connection of its own."""
    view._reader.use(server.store())
    view._tender = None
    # Copies of one process share its pages: walking them all would copy them.
    gc.freeze()
    syncs: list[tuple[float, float]] = []
    deadline = time.monotonic() + seconds
    time.sleep(index * Crowded.pause_seconds / FOLLOWERS)
    while time.monotonic() < deadline:
        begin, cpu = time.perf_counter(), time.process_time()
        view.refresh()
        taken = time.perf_counter() - begin
        if taken > LEAST_SECONDS:
            syncs.append((taken, time.process_time() - cpu))
        time.sleep(POLL_SECONDS)
    said.send(_Followed(syncs, memory.counted, _megabytes()))


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
