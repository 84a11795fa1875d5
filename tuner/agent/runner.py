"""The runner as a command, and as a process of this machine."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

from tuner.pipeline.layout import POD_BASE, Layout

_SCRIPT = Path(__file__).with_name("runner.sh")


def runner_script() -> str:
    """The text of the runner, comments left out: it stands in every pod's manifest."""
    lines = _SCRIPT.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#")) + "\n"


def runner_command(base: str = POD_BASE, *, kubernetes: bool = True) -> list[str]:
    """The command of the container `stage`.

    Args:
        base: The folder shared with the agent.
        kubernetes: Whether `$` is doubled, since Kubernetes expands `$(NAME)` in commands.
    """
    script = runner_script()
    return ["/bin/sh", "-c", script.replace("$", "$$") if kubernetes else script, "runner", base]


def start_runner(layout: Layout) -> None:
    """Starts the runner in a session of its own, unless one was started here before.

    It outlives this process, as the container `stage` outlives a restarted agent. Runner and
    stages hold a lock: an agent that was killed before it noted the runner starts no second one.
    """
    lock = os.open(layout.io / "runner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        # One that came so far is dead now, and says so by its silence.
        if not layout.events.exists():
            os.set_inheritable(lock, True)
            layout.runner_pid.write_text(f"{_spawn(layout)} {_boot()}", encoding="ascii")
    finally:
        os.close(lock)


def _spawn(layout: Layout) -> int:
    argv = runner_command(str(layout.base), kubernetes=False)
    log = os.open(layout.output_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)


def kill_runner(layout: Layout) -> None:
    """Kills what is left of the session of a runner that was started here."""
    if not layout.runner_pid.exists():
        return
    text, _, boot = layout.runner_pid.read_text(encoding="ascii").partition(" ")
    if boot != _boot():
        return
    group = int(text)
    try:
        os.killpg(group, signal.SIGKILL)
        os.waitpid(group, 0)
    except (ProcessLookupError, PermissionError, ChildProcessError):
        return


def _boot() -> str:
    """Which start of the machine it is: numbers of processes mean nothing beyond it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def last_lines(path: Path, *, limit_bytes: int = 1000) -> str:
    """The end of a log, for the message of a failure; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit_bytes))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""
