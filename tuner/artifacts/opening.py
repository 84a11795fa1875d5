"""From settings to a store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tuner.artifacts._protocol import ArtifactStore
from tuner.artifacts.credentials import CredentialsProvider, EnvCredentials
from tuner.artifacts.folder import FolderStore
from tuner.artifacts.settings import FolderSettings, StoreSettings

_DELETE_BATCH = 1000


def open_store(
    settings: StoreSettings, *, credentials: CredentialsProvider | None = None
) -> ArtifactStore:
    """The store that the settings name. Nothing is asked of an S3 service yet.

    Args:
        settings: Which store.
        credentials: For S3; the environment's by default. A folder needs none.
    """
    if isinstance(settings, FolderSettings):
        return FolderStore(settings.folder)
    # Who keeps objects in a folder needs no S3 client.
    from tuner.artifacts.s3 import S3Store

    return S3Store(settings, credentials=credentials or EnvCredentials())


def delete_prefix(store: ArtifactStore, prefix: str) -> int:
    """Removes all objects under `prefix`, which ends with `/`; returns how many there were.

    Later keys go first, so a marker object in front outlives an interrupted sweep.
    """
    keys = [info.key for info in store.list(prefix)]
    for batch in _batches(reversed(keys)):
        store.delete(batch)
    return len(keys)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, _DELETE_BATCH)):
        yield batch
