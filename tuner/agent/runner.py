"""The runner as a command, and as a process of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
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

    It outlives this process, as the container `stage` outlives a restarted agent.
    """
    if layout.runner_pid.exists():
        return
    with layout.output_log.open("ab") as log:
        process = subprocess.Popen(
            runner_command(str(layout.base), kubernetes=False),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    layout.runner_pid.write_text(f"{process.pid} {_boot()}", encoding="ascii")


def kill_runner(layout: Layout) -> None:
    """Kills what is left of the session of a runner that was started here."""
    if not layout.runner_pid.exists():
        return
    group, _, boot = layout.runner_pid.read_text(encoding="ascii").partition(" ")
    if boot != _boot():
        return
    try:
        os.killpg(int(group), signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
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
