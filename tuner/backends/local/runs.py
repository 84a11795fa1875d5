"""The runs of a local study: `local-1`, `local-2` and so on; the latest one is the study."""

from __future__ import annotations

from tuner.artifacts import ArtifactStore
from tuner.log import studies

NAMESPACE = "local"
"""Namespace of the studies of `tuner run`; all of them share one stage cache."""

_PREFIX = "local-"


def runs(store: ArtifactStore, study: str) -> list[int]:
    """Numbers of the runs of a study that are in the store, rising."""
    return sorted(
        int(entry.uid.removeprefix(_PREFIX))
        for entry in studies(store, NAMESPACE)
        if entry.study == study and entry.uid.removeprefix(_PREFIX).isdigit()
    )


def uid_of(run: int) -> str:
    """The uid that stands for a run."""
    return f"{_PREFIX}{run}"
