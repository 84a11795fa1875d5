"""A folder as an object store: one file an object, atomic and durable writes."""

from __future__ import annotations

import errno
import io
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tuner.artifacts._protocol import ObjectInfo
from tuner.artifacts.keys import validate_key, validate_prefix
from tuner.errors import (
    ObjectMissing,
    ObjectTooLarge,
    StoreDenied,
    StoreError,
    StoreUnreachable,
)

TEMPORARY = ".tmp"
"""Where objects are written before they are renamed; keys cannot begin with a dot."""

STALE_SECONDS = 24 * 3600.0
"""Age at which a file in TEMPORARY is the rest of a killed process."""

_CHUNK_BYTES = 1 << 20
_PUT_TRIES = 100


class FolderStore:
    """An `ArtifactStore` in a folder of this machine.

    A write goes to a temporary file, is flushed to the disk and then renamed, so a reader sees an
    object whole or not at all, and what was acknowledged outlives `kill -9` and a power cut.
    Several processes may share the folder. Reading makes nothing: the folder may be one that
    nobody may write to, or not be there.
    """

    def __init__(self, root: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._root = Path(root).absolute()
        self._temporary = self._root / TEMPORARY
        self._clock = clock
        self._writes = False

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        """Writes an object whole; see ArtifactStore."""
        target = self._path(key)
        with _store_errors(target):
            self._begin_to_write()
            temporary = self._temporary / uuid.uuid4().hex
            try:
                self._write(temporary, data, size_bytes)
                _rename_durably(temporary, target, root=self._root)
            finally:
                temporary.unlink(missing_ok=True)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Reads an object; see ArtifactStore."""
        with self._open(key, max_bytes) as file:
            return file.read()

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Copies an object into a new file; see ArtifactStore."""
        with path.open("xb") as target:
            try:
                with self._open(key, max_bytes) as source:
                    shutil.copyfileobj(source, target, _CHUNK_BYTES)
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects in key order; see ArtifactStore."""
        base = validate_prefix(prefix)[: prefix.rfind("/") + 1]
        with _store_errors(self._root):
            yield from self._walk(self._root / base, base, prefix, start_after)

    def folders(self, prefix: str) -> Iterator[str]:
        """Next segments; see ArtifactStore."""
        if validate_prefix(prefix) and not prefix.endswith("/"):
            raise StoreError(f"prefix {prefix!r} must end with a slash")
        with _store_errors(self._root):
            names = [name for name, is_folder in _entries(self._root / prefix) if is_folder]
            # A folder that has lost its last object is not there.
            yield from (name for name in names if any(self.list(f"{prefix}{name}/")))

    def stat(self, key: str) -> ObjectInfo | None:
        """The object's facts or None; see ArtifactStore."""
        path = self._path(key)
        with _store_errors(path):
            return _info(path, key)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects and the folders they leave empty; see ArtifactStore."""
        for key in keys:
            path = self._path(key)
            with _store_errors(path):
                try:
                    path.unlink(missing_ok=True)
                except (NotADirectoryError, IsADirectoryError):
                    continue
                self._prune(path.parent)

    def now(self) -> float:
        """This machine's clock: it stamps the files."""
        return self._clock()

    def _path(self, key: str) -> Path:
        return self._root / validate_key(key)

    def _write(self, path: Path, data: bytes | BinaryIO, size_bytes: int | None) -> None:
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        expected = len(data) if isinstance(data, bytes) else size_bytes
        if expected is None:
            raise StoreError("a stream needs its size")
        with path.open("xb") as file:
            shutil.copyfileobj(source, file, _CHUNK_BYTES)
            if file.tell() != expected:
                raise StoreError(f"the stream gave {file.tell()} bytes, not {expected}")
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _open(self, key: str, max_bytes: int) -> Iterator[BinaryIO]:
        path = self._path(key)
        with _store_errors(path):
            try:
                file = path.open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissing(f"no object {key}") from error
        with file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                raise ObjectTooLarge(f"{key} has {size} bytes, more than {max_bytes}")
            yield file

    def _walk(self, folder: Path, base: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
        for name, is_folder in _entries(folder):
            key = base + name
            if is_folder:
                below = key + "/"
                related = below.startswith(prefix) or prefix.startswith(below)
                passed = below < after and not after.startswith(below)
                if related and not passed:
                    yield from self._walk(folder / name, below, prefix, after)
            elif key > after and key.startswith(prefix):
                info = _info(folder / name, key)
                if info is not None:
                    yield info

    def _prune(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def _begin_to_write(self) -> None:
        if not self._writes:
            self._temporary.mkdir(parents=True, exist_ok=True)
            self._sweep()
            self._writes = True

    def _sweep(self) -> None:
        for path in self._temporary.iterdir():
            try:
                if path.stat().st_mtime < self._clock() - STALE_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                continue


def _rename_durably(source: Path, target: Path, *, root: Path) -> None:
    parent = target.parent
    new_folders = not parent.is_dir()
    for attempt in range(_PUT_TRIES):
        try:
            parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
            break
        except (FileNotFoundError, FileExistsError):
            # A concurrent delete has just removed a folder that it left empty.
            if attempt == _PUT_TRIES - 1:
                raise
    _flush_folder(parent)
    while new_folders and parent != root:
        parent = parent.parent
        _flush_folder(parent)


def _flush_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        # What was put is deleted already.
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder in the order of the keys below them, each with whether it is a folder."""
    try:
        with os.scandir(folder) as scan:
            found = [
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in scan
                if not entry.name.startswith(".")
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    # `a.b` comes before `a/b` in key order: a folder sorts with its slash.
    return sorted(found, key=lambda entry: entry[0] + "/" if entry[1] else entry[0])


def _info(path: Path, key: str) -> ObjectInfo | None:
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if path.is_dir() else ObjectInfo(key, facts.st_size, facts.st_mtime)


_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = StoreDenied if error.errno in _DENIED else StoreUnreachable
        raise kind(f"{path}: {error.strerror or error}") from error
