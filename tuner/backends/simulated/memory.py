"""An `ArtifactStore` in memory, on any clock: for simulations."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from tuner.artifacts import ObjectInfo, validate_key, validate_prefix
from tuner.errors import ObjectMissing, ObjectTooLarge, StoreError


class MemoryStore:
    """Objects in a dictionary; see `ArtifactStore`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._objects: dict[str, tuple[bytes, float]] = {}
        self._keys: list[str] = []

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        """Writes an object whole; see `ArtifactStore`."""
        content = data if isinstance(data, bytes) else _whole(data, size_bytes)
        if validate_key(key) not in self._objects:
            insort(self._keys, key)
        self._objects[key] = (content, self._clock())

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Reads an object; see `ArtifactStore`."""
        if validate_key(key) not in self._objects:
            raise ObjectMissing(key)
        content = self._objects[key][0]
        if len(content) > max_bytes:
            raise ObjectTooLarge(f"{key}: {len(content)} bytes, more than {max_bytes}")
        return content

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Copies an object into a new file; see `ArtifactStore`."""
        content = self.get(key, max_bytes=max_bytes)
        with path.open("xb") as file:
            file.write(content)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects in key order; see `ArtifactStore`."""
        validate_prefix(prefix)
        first = bisect_left(self._keys, max(prefix, start_after))
        for key in self._keys[first:]:
            if not key.startswith(prefix):
                return
            if key > start_after:
                content, modified = self._objects[key]
                yield ObjectInfo(key, len(content), modified)

    def folders(self, prefix: str) -> Iterator[str]:
        """Next segments; see `ArtifactStore`."""
        rests = (info.key.removeprefix(prefix) for info in self.list(prefix))
        yield from dict.fromkeys(rest.split("/")[0] for rest in rests if "/" in rest)

    def stat(self, key: str) -> ObjectInfo | None:
        """The object's facts or None; see `ArtifactStore`."""
        if validate_key(key) not in self._objects:
            return None
        content, modified = self._objects[key]
        return ObjectInfo(key, len(content), modified)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; see `ArtifactStore`."""
        for key in map(validate_key, keys):
            if self._objects.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]

    def now(self) -> float:
        """The clock that was given."""
        return self._clock()


def _whole(stream: BinaryIO, size_bytes: int | None) -> bytes:
    content = stream.read()
    if size_bytes != len(content):
        raise StoreError(f"the stream gave {len(content)} bytes, its size is {size_bytes}")
    return content
