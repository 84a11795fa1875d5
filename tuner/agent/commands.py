"""What the trial is told through files: annotations of its pod, or what `tuner run` writes."""

from __future__ import annotations

import math
from pathlib import Path

from tuner.agent.events import Commanded
from tuner.trial import Command


class CommandFile:
    """Reads `checkpoint` or `stop`, and a reason after it, from a file that may not be there.

    A command stands until the trial has ended, so it is told once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = ""

    def __call__(self) -> Commanded | None:
        """The command, if it is a new one."""
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return None
        if text == self._known:
            return None
        self._known = text
        word, _, reason = text.partition(" ")
        if word not in set(Command):
            return None
        return Commanded(command=Command(word), reason=reason.strip()[:64])


class HoldFile:
    """Reads for how many seconds the trial may wait for a place; without them it has one.

    The kubelet replaces the file in one step, so it is never seen half written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> float | None:
        """The longest hold in seconds; None if nothing holds the trial."""
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            return 0.0
        return seconds if math.isfinite(seconds) else 0.0
