"""The runs of a local study: `local-1`, `local-2` and so on; the latest one is the study."""

from __future__ import annotations

from tuner.artifacts import ArtifactStore
from tuner.log import studies

NAMESPACE = "local"
"""Namespace of the studies of `tuner run`; all of them share one stage cache."""

_PREFIX = "local-"


def runs(store: ArtifactStore, study: str) -> list[int]:
    """Numbers of the runs of a study that are in the store, rising."""
    entries = (entry for entry in studies(store, NAMESPACE) if entry.study == study)
    return sorted(run for entry in entries if (run := run_of(entry.uid)) is not None)


def run_of(uid: str) -> int | None:
    """Which run a uid stands for; None for a uid of something else."""
    number = uid.removeprefix(_PREFIX)
    return int(number) if uid.startswith(_PREFIX) and number.isdigit() else None


def uid_of(run: int) -> str:
    """The uid that stands for a run."""
    return f"{_PREFIX}{run}"
