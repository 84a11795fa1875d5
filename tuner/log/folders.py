"""One folder of a study's objects, by the names below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from tuner.artifacts import ArtifactStore, Patience


class Folder:
    """Reads, writes and removes what lies in one folder; each request outlasts a store for a while.

    Args:
        store: Where the study is.
        prefix: Of the study.
        patience: How long one request outlasts an unreachable store.
    """

    NAME: ClassVar[str]

    def __init__(self, store: ArtifactStore, prefix: str, *, patience: Patience) -> None:
        self._store = store
        self._folder = f"{prefix}/{self.NAME}/"
        self._patience = patience

    def _read(self, key: str, *, max_bytes: int) -> bytes:
        """An object, by its whole key. Raises ObjectMissing or ObjectTooLarge."""
        return self._patience.call(lambda: self._store.get(key, max_bytes=max_bytes))

    def _write(self, key: str, data: bytes) -> None:
        self._patience.call(lambda: self._store.put(key, data))

    def _remove(self, names: Iterable[str]) -> None:
        """Removes objects, by name; those that are gone are passed over."""
        keys = [self._folder + name for name in names]
        if keys:
            self._patience.call(lambda: self._store.delete(keys))
