"""The seam to object storage: one Protocol, implemented by a folder and by S3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One stored object: key, size in bytes, when it was written (seconds, store's clock)."""

    key: str
    size_bytes: int
    modified: float


class ArtifactStore(Protocol):
    """Objects under string keys; whole-object writes; a listing in key order.

    Correctness of what is built on it never rests on conditional writes. Implementations are safe
    to use from several threads. Every method may raise `StoreUnreachable` (worth a retry),
    `StoreDenied` or `BucketMissing` (the user must act); see `tuner.errors`. Once `put` has
    returned, the object is there for every reader, and outlives a crash of either side.
    """

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        """Writes an object whole, replacing what was there; a stream needs its size."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Reads a small object. Raises ObjectMissing, or ObjectTooLarge before reading."""

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Streams an object into a new file. Raises ObjectMissing or ObjectTooLarge.

        Raises FileExistsError if the file exists; a download that fails leaves no file.
        """

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` with keys beyond `start_after`, in key order, page by page."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The distinct next segments of keys that go on with `/` after them, in order.

        `prefix` is empty or ends with `/`.
        """

    def stat(self, key: str) -> ObjectInfo | None:
        """The object's facts, or None if there is none.

        An S3 store cannot tell a missing bucket from a missing object here and says None.
        """

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; those that do not exist are passed over."""

    def now(self) -> float:
        """The store's clock, in seconds since the epoch."""
