"""Kills what `tuner run` leaves behind when it is killed itself.

A child process, run as a script with nothing of this project imported. It waits for the end of its
standard input, whose other end only `tuner run` holds, and then kills every process whose
environment carries the token. Processes inherit the token whatever sessions they open.
"""

from __future__ import annotations

import os
import signal
import sys
import time

VARIABLE = "TUNER_LOCAL_TOKEN"
_ROUNDS = 100
_PAUSE_SECONDS = 0.02


def processes_with(token: str) -> list[int]:
    """Processes of this machine whose token begins so; none where there is no /proc."""
    wanted = f"{VARIABLE}={token}".encode()
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit() and int(name) != os.getpid() and _carries(int(name), wanted):
            found.append(int(name))
    return found


def kill_all(token: str) -> int:
    """Kills them until there are none; returns how many were killed."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        left = processes_with(token)
        if not left:
            break
        for process in left:
            _kill(process)
        killed.update(left)
        time.sleep(_PAUSE_SECONDS)
    return len(killed)


def _carries(process: int, wanted: bytes) -> bool:
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            environment = file.read()
        with open(f"/proc/{process}/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    dead = state in (b"Z", b"X")
    return not dead and any(one.startswith(wanted) for one in environment.split(b"\0"))


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main() -> None:
    """Waits for the end of standard input, then kills."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    kill_all(sys.argv[1])


if __name__ == "__main__":
    main()
