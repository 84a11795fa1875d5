"""Runs of a benchmark that are kept in a file, so that one that was cut off goes on from there."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar


class Kept(Protocol):
    """A finished run: its task, and itself as one line of JSON."""

    @property
    def task(self) -> object:
        """What was run; hashable."""

    def to_json(self) -> str:
        """The run as one line."""


T = TypeVar("T")
R = TypeVar("R", bound=Kept)


def resumed(
    tasks: Sequence[T],
    *,
    file: Path | None,
    parse: Callable[[str], R],
    execute: Callable[[Sequence[T]], Iterable[R]],
    describe: Callable[[R], str],
) -> Iterator[R]:
    """Takes runs from a file as far as it has them, runs the others and adds them to it.

    Args:
        tasks: What is wanted.
        file: One run a line; None keeps nothing.
        parse: The reverse of `to_json`.
        execute: Runs tasks, in any order.
        describe: A run in a few words, for the progress on stderr.
    """
    lines = file.read_text().splitlines() if file is not None and file.exists() else []
    kept = {run.task: run for run in map(parse, lines)}
    yield from (kept[task] for task in tasks if task in kept)
    left = [task for task in tasks if task not in kept]
    began = time.monotonic()
    for done, run in enumerate(execute(left), start=1):
        if file is not None:
            with file.open("a") as kept_lines:
                kept_lines.write(run.to_json() + "\n")
        spent = time.monotonic() - began
        print(f"{done}/{len(left)}, {spent:.0f} s: {describe(run)}", file=sys.stderr, flush=True)
        yield run
