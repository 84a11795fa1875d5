"""Which earlier studies `spec.transfer` means, found in the bucket's catalogue."""

from __future__ import annotations

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectCorrupt
from tuner.log import CatalogueEntry, StudyLog, studies
from tuner.log.keys import parse_log_name
from tuner.pipeline import StudyIdentity
from tuner.spec.study import Transfer
from tuner.transfer.record import Source, TransferRecord

MOST_SOURCES = 64
"""So many studies are learned from at most: those that are named, then the selected by name."""


def select(store: ArtifactStore, transfer: Transfer, *, study: StudyIdentity) -> TransferRecord:
    """The studies of the same namespace, finished or running, that are named or selected.

    A name stands for every study that ever had it and whose log is kept; the study itself is left
    out, earlier runs of the same name are not.

    Args:
        store: The bucket.
        transfer: What the manifest says.
        study: Who asks.

    Raises:
        StoreError: The store does not answer.
    """
    names = frozenset(transfer.studies or ())
    left_out: dict[str, str] = {}
    sources: list[Source] = []
    itself = (study.name, study.uid)
    entries = [one for one in studies(store, study.namespace) if (one.study, one.uid) != itself]
    for entry in sorted(entries, key=lambda one: one.study not in names):
        if entry.study not in names and not _is_selected(store, entry, transfer):
            continue
        name = f"{entry.study}.{entry.uid}"
        until = _last_milliseconds(store, entry)
        if until is None:
            left_out[name] = "it has no trials"
        elif len(sources) == MOST_SOURCES:
            left_out[name] = f"it is beyond the {MOST_SOURCES} studies that are learned from"
        else:
            sources.append(Source(study=entry.study, uid=entry.uid, until=until))
    return TransferRecord(
        sources=tuple(sources),
        missing=tuple(sorted(names - {one.study for one in entries})),
        left_out=left_out,
    )


def _is_selected(store: ArtifactStore, entry: CatalogueEntry, transfer: Transfer) -> bool:
    if transfer.selector is None:
        return False
    try:
        marker = StudyLog(store, entry.prefix).get_marker() or {}
    except ObjectCorrupt:
        return False
    labels = marker.get("labels")
    known = labels if isinstance(labels, dict) else {}
    return transfer.selector.matches({str(key): str(value) for key, value in known.items()})


def _last_milliseconds(store: ArtifactStore, entry: CatalogueEntry) -> int | None:
    """When the newest record of the study's log was written; None if there is none. LISTs only."""
    folder = f"{entry.prefix}/log/"
    names = (info.key.removeprefix(folder) for info in store.list(folder))
    return max((key.milliseconds for key in map(parse_log_name, names) if key), default=None)
