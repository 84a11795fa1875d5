"""Background processes, each remembered by pid, start time and process group."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from settings import LOGS, PROCESSES
from shell import wait_until


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A process that was started; `started` tells it from a later one with the same pid."""

    name: str
    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_time(self.pid) == self.started


def start(name: str, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
    """Start a process in a session of its own; its output goes to the log folder."""
    LOGS.mkdir(parents=True, exist_ok=True)
    PROCESSES.mkdir(parents=True, exist_ok=True)
    with log_file(name).open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in argv],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    record = Recorded(name=name, pid=process.pid, started=_start_time(process.pid) or "")
    _file(name).write_text(json.dumps(asdict(record)))


def log_file(name: str) -> Path:
    """Where a process writes its output."""
    return LOGS / f"{name}.log"


def recorded() -> list[Recorded]:
    """All processes that were started and not yet stopped, by name."""
    files = sorted(PROCESSES.glob("*.json"))
    return [Recorded(**json.loads(file.read_text())) for file in files]


def find(name: str) -> Recorded | None:
    """The process of that name, if it was started."""
    return next((process for process in recorded() if process.name == name), None)


def stop(process: Recorded, *, seconds: float = 10) -> None:
    """End a process and its group: SIGTERM first, SIGKILL after `seconds`."""
    if process.alive:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            wait_until(lambda: not process.alive, what="exit", seconds=seconds, interval=0.05)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            wait_until(lambda: not process.alive, what=f"end of {process.name}", seconds=5)
    _file(process.name).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return PROCESSES / f"{name}.json"


def _start_time(pid: int) -> str | None:
    """Boot id and clock ticks of the process's start; None where it has gone or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        return None
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{fields[19]}"
