"""Removes what a deleted study left in the store, if its deletion policy says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tuner.artifacts import ArtifactStore, delete_prefix
from tuner.errors import LogError, StoreError
from tuner.log import CatalogueEntry, StudyLog, namespaces, studies
from tuner.spec.study import DeletionPolicy
from tuner_operator.bucket import Bucket
from tuner_operator.memory import Memory

PAUSE_SECONDS = 600.0
FOLDERS = ("checkpoints", "decisions", "exhausted", "heartbeats", "log", "rungs", "segments")

_logger = logging.getLogger(__name__)


class Sweep:
    """Looks through the catalogue of studies.

    Args:
        bucket: The stores.
        memory: Which studies there are.
        own_namespace: Whose credentials are tried first: they outlive a deleted namespace.
        watched: Namespaces that this installation is about; empty = all.
        after_seconds: How long a study must have been gone.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        bucket: Bucket,
        memory: Memory,
        own_namespace: str,
        watched: tuple[str, ...],
        after_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._bucket = bucket
        self._memory = memory
        self._own_namespace = own_namespace
        self._watched = watched
        self._after = after_seconds
        self._clock = clock
        self._missed: dict[str, float] = {}

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        while True:
            await asyncio.sleep(min(PAUSE_SECONDS, max(1.0, self._after / 4)))
            try:
                await self.once()
            except (StoreError, LogError) as error:
                _logger.warning("sweeping: %s", error)

    async def once(self) -> int:
        """Removes the prefixes that are due; how many."""
        store = await self._some_store()
        if store is None:
            return 0
        removed = 0
        for namespace in await asyncio.to_thread(namespaces, store):
            if self._watched and namespace not in self._watched:
                continue
            for entry in await asyncio.to_thread(_entries, store, namespace):
                removed += await self._look(store, entry)
        return removed

    async def _some_store(self) -> ArtifactStore | None:
        for namespace in dict.fromkeys(
            [self._own_namespace, *(key[0] for key in self._memory.studies())]
        ):
            try:
                return await self._bucket.store(namespace)
            except StoreError:
                continue
        return None

    async def _look(self, store: ArtifactStore, entry: CatalogueEntry) -> bool:
        there = self._memory.get("TuningStudy", entry.namespace, entry.study)
        if there is not None and there["metadata"].get("uid") == entry.uid:
            self._missed.pop(entry.prefix, None)
            return False
        since = self._missed.setdefault(entry.prefix, self._clock())
        if self._clock() - since < self._after:
            return False
        marker = await asyncio.to_thread(StudyLog(store, entry.prefix).get_marker)
        if marker is None or marker.get("deletionPolicy") != DeletionPolicy.DELETE:
            return False
        # The marker goes last: an interrupted sweep is taken up again.
        for folder in FOLDERS:
            await asyncio.to_thread(delete_prefix, store, f"{entry.prefix}/{folder}/")
        await asyncio.to_thread(delete_prefix, store, f"{entry.prefix}/")
        self._missed.pop(entry.prefix, None)
        _logger.info("removed %s: its study is gone", entry.prefix)
        return True


def _entries(store: ArtifactStore, namespace: str) -> list[CatalogueEntry]:
    return list(studies(store, namespace))
