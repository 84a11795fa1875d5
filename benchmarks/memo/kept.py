"""Runs on disk, a line of JSON each, so that a long benchmark can be done in pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from benchmarks.memo.runs import Run, Task


def read_runs(path: Path) -> Mapping[Task, Run]:
    """What was kept, by task; of a file that is not there, nothing.

    A last line that was cut off when a process was killed is left out.

    Raises:
        ValueError: The file holds something else.
    """
    if not path.exists():
        return {}
    text = path.read_text()
    lines = text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]
    runs = [run_from_json(line) for line in lines]
    return {one.task: one for one in runs}


def keep_run(path: Path, run: Run) -> None:
    """Appends a run."""
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines()[:-1]))
    with path.open("a") as file:
        file.write(run_to_json(run) + "\n")


def run_to_json(run: Run) -> str:
    """One line; numbers keep every bit."""
    values = {field.name: getattr(run, field.name) for field in fields(Run)}
    document = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }
    return json.dumps({**document, "task": asdict(run.task)})


def run_from_json(line: str) -> Run:
    """Reads what `run_to_json` wrote.

    Raises:
        ValueError: It is something else.
    """
    data = json.loads(line)
    try:
        task = Task(**data.pop("task"))
        arrays = {
            name: np.array(value, dtype=bool if name == "apart" else float)
            for name, value in data.items()
            if isinstance(value, list)
        }
        return Run(task=task, **{**data, **arrays})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a run of this benchmark: {line[:80]}") from error
