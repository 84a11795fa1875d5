"""Packed folders as objects: up, down, with digests checked and no more memory than a buffer."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tuner.artifacts import ArtifactStore, Patience
from tuner.cache.packing import Limits, Packed, chunks, pack
from tuner.cache.unpacking import unpack
from tuner.errors import ArtifactError, ObjectCorrupt, ObjectTooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """What is known of a blob before it is read."""

    key: str
    digest: str
    size_bytes: int


class Blobs:
    """Moves folders to and from a store.

    Args:
        store: Where the objects are.
        scratch: A folder for one tar file at a time; the system's temporary one by default.
        limits: What is too large.
        patience: How long a transfer outlasts an unreachable store.
    """

    def __init__(
        self,
        store: ArtifactStore,
        *,
        scratch: Path | None = None,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._scratch = scratch
        self._limits = limits or Limits()
        self._patience = patience or Patience(seconds=0)

    def upload(self, folder: Path, *, beneath: Path | None, key: Callable[[Packed], str]) -> Packed:
        """Packs a folder and stores it under `key(packed)`.

        An object of the same name and size is left as it is where the digest is in its name.
        """
        with _scratch_errors(), tempfile.TemporaryFile(dir=self._scratch) as file:
            packed = pack(folder, into=file, beneath=beneath, limits=self._limits)
            name = key(packed)
            self._patience.call(lambda: self._put(name, packed, file))
        return packed

    def restore(self, blob: BlobRef, folder: Path, *, beneath: Path | None) -> None:
        """Unpacks a blob into an empty folder, its digest checked first.

        Raises ObjectMissing, ObjectCorrupt (after a second try) or ArtifactError.
        """
        with self._verified(blob) as file:
            unpack(file, folder, beneath=beneath, limits=self._limits)

    def _put(self, name: str, packed: Packed, file: BinaryIO) -> None:
        found = self._store.stat(name) if packed.digest in name else None
        if found is not None and found.size_bytes == packed.size_bytes:
            return
        file.seek(0)
        self._store.put(name, file, size_bytes=packed.size_bytes)

    @contextmanager
    def _verified(self, blob: BlobRef) -> Iterator[BinaryIO]:
        with _scratch_errors(), tempfile.TemporaryDirectory(dir=self._scratch) as scratch:
            path = Path(scratch) / "blob.tar"
            # The second try tells a bad transfer from a bad object.
            for last in (False, True):
                self._download(blob, path)
                found = _digest(path)
                if found == blob.digest:
                    break
                path.unlink()
                if last:
                    raise ObjectCorrupt(f"{blob.key}: checksum differs: {found}")
            with path.open("rb") as file:
                yield file

    def _download(self, blob: BlobRef, path: Path) -> None:
        try:
            self._patience.call(
                lambda: self._store.download(blob.key, path, max_bytes=blob.size_bytes)
            )
        except ObjectTooLarge as error:
            raise ObjectCorrupt(f"{blob.key}: {error}") from error


@contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"no room for a tar file: {error}") from error


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks(file):
            digest.update(chunk)
    return digest.hexdigest()
