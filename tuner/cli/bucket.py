"""Where a study's log is, for verbs that need more than its status: a folder or a bucket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.artifacts import FolderStore, decode_settings, open_store
from tuner.backends.local.runs import NAMESPACE
from tuner.cli.source import DEFAULT_FOLDER
from tuner.errors import TunerError, UnknownObject
from tuner.log import CatalogueEntry, studies

if TYPE_CHECKING:
    from tuner.artifacts import ArtifactStore

STORE = "TUNER_STORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A store, and the namespace whose studies are meant."""

    store: ArtifactStore
    namespace: str

    def entry(self, study: str) -> CatalogueEntry:
        """The newest study of that name. Raises UnknownObject, StoreError."""
        known = list(studies(self.store, self.namespace))
        named = [one for one in known if one.study == study]
        if not named:
            names = ", ".join(sorted({one.study for one in known})) or "none"
            raise UnknownObject(
                f"namespace {self.namespace} has no study {study} in the store; it has: {names}"
            )
        return max(named, key=self._written)

    def _written(self, entry: CatalogueEntry) -> tuple[float, str]:
        marker = self.store.stat(f"{entry.prefix}/study.json")
        return (0.0 if marker is None else marker.modified), entry.uid


def open_place(*, local: Path | None, namespace: str | None) -> Place:
    """The folder of `tuner run`, or with a namespace the bucket that the environment names.

    Raises:
        UnknownObject: There is no such folder; looking makes none.
        TunerError: A namespace was given, and TUNER_STORE is not set.
    """
    if local is not None or namespace is None:
        folder = local or DEFAULT_FOLDER
        if not folder.is_dir():
            raise UnknownObject(f"there is no folder {folder}")
        return Place(store=FolderStore(folder), namespace=NAMESPACE)
    text = os.environ.get(STORE)
    if not text:
        raise TunerError(
            f"{STORE} is not set: it says where the bucket is, as in the operator's deployment, "
            "with TUNER_STORE_ACCESS_KEY and TUNER_STORE_SECRET_KEY beside it"
        )
    return Place(store=open_store(decode_settings(text)), namespace=namespace)
