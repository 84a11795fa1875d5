"""Exit codes, the same for every verb."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """The study failed, or the command could not do what it was asked."""
    BAD_MANIFEST = 2
    """A manifest, or the command line itself, breaks a rule."""
    NOTHING_FEASIBLE = 3
    """The study ended without one feasible trial."""
