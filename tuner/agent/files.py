"""The files that a stage finds: its script, its parameters, its folders."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import StagePlan, TrialPlan

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def make_base(layout: Layout) -> None:
    """Makes the folders and FIFOs that runner and agent share; what is there stays."""
    for folder in (layout.io, layout.home, layout.tmp):
        folder.mkdir(parents=True, exist_ok=True)
    for fifo in (layout.doorbell, layout.control):
        if not fifo.exists():
            os.mkfifo(fifo, 0o600)


def make_folders(layout: Layout, *, stage: str, fresh: bool) -> None:
    """Makes a stage's folders, empty, and its file of reports.

    Args:
        layout: Where.
        stage: Which.
        fresh: Whether the stage has not run in this pod: else its reports stay.
    """
    files = layout.stage(stage)
    files.folder.mkdir(parents=True, exist_ok=True)
    for folder in (files.output, files.checkpoint):
        _make_empty(folder)
    if fresh:
        files.reports.write_bytes(b"")


def _make_empty(folder: Path) -> None:
    """The stage may have put a link or a file there, or folders that nobody may write to."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        folder.chmod(0o700)
        for parent, names, _ in os.walk(folder):
            for child in (Path(parent, name) for name in names):
                if not child.is_symlink():
                    child.chmod(0o700)
        shutil.rmtree(folder)
    folder.mkdir()


def write_script(layout: Layout, *, stage: StagePlan, fidelity: str | None) -> None:
    """Writes a stage's parameters and what the runner starts.

    Args:
        layout: Where.
        stage: Which.
        fidelity: Replaces TUNER_FIDELITY.
    """
    files = layout.stage(stage.name)
    env = dict(stage.env) if fidelity is None else {**stage.env, "TUNER_FIDELITY": fidelity}
    write_whole(files.parameters, json.dumps(dict(stage.parameters), indent=1) + "\n")
    write_whole(files.script, script(stage.argv, env=env))


def script(argv: tuple[str, ...], *, env: Mapping[str, str]) -> str:
    """A shell script that becomes the command, with the environment added to what there is.

    Names that a shell cannot export go through `env`, which such images must have.
    """
    plain = {name: value for name, value in env.items() if _SHELL_NAME.fullmatch(name)}
    odd = [f"{name}={value}" for name, value in env.items() if name not in plain]
    lines = [f"export {name}={shlex.quote(value)}" for name, value in plain.items()]
    command = ["env", *odd, *argv] if odd else argv
    return "\n".join([*lines, f"exec {shlex.join(command)}", ""])


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that a reader finds the old content or the new, never a part."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def script_fidelity(plan: TrialPlan, *, stage: StagePlan, level: int) -> str | None:
    """TUNER_FIDELITY where it is not the maximum: at a lower level of mode Restart."""
    fidelity = plan.fidelity
    if fidelity is None or not fidelity.restart or fidelity.stage != stage.name:
        return None
    levels = (*fidelity.rungs, fidelity.maximum)
    value = levels[min(level, len(fidelity.rungs))]
    return str(int(value)) if value.is_integer() else repr(value)
