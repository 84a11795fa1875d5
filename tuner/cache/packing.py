"""A folder as one tar file: the same bytes for the same content, nothing read through a link."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from tuner.cache.beneath import open_child_file, open_child_folder, open_folder
from tuner.cache.links import portable_target
from tuner.errors import ArtifactError

MAX_WARNINGS = 20
_EXECUTABLE, _PLAIN = 0o755, 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large an artifact may be.

    Attributes:
        size_bytes: Of the tar file.
        files: Entries in it, folders and links included.
        depth: Folders in folders.
    """

    size_bytes: int = 1 << 40
    files: int = 1_000_000
    depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What became of a folder.

    Attributes:
        digest: sha256 of the tar file, hex.
        size_bytes: Of the tar file.
        files: Entries in it.
        warnings: What was left out, one sentence each; the first MAX_WARNINGS.
    """

    digest: str
    size_bytes: int
    files: int
    warnings: tuple[str, ...]


def pack(
    folder: Path, *, into: BinaryIO, beneath: Path | None = None, limits: Limits | None = None
) -> Packed:
    """Writes `folder` as a tar file.

    Regular files, folders and symbolic links (as links, never followed) are taken, sorted by
    name; owners, times and modes (but for the executable bit) are not, so equal content has an
    equal digest. Sockets, FIFOs, devices and links that lead outside are left out with a warning.
    Contents are streamed; of a folder, its names are in memory.

    Args:
        folder: What to pack.
        into: Where the tar file goes.
        beneath: The deepest part of the path that is trusted to be no link; `folder` by default.
        limits: What is too large.

    Raises:
        ArtifactError: It cannot be read, changed while it was read, or is too large.
    """
    try:
        with (
            open_folder(folder, beneath=beneath or folder) as descriptor,
            _Packer(folder, into=into, limits=limits or Limits()) as packer,
        ):
            packer.add_folder(descriptor, PurePosixPath())
            return packer.finish()
    except OSError as error:
        raise ArtifactError(f"cannot pack {folder}: {error}") from error


class _Packer:
    def __init__(self, folder: Path, *, into: BinaryIO, limits: Limits) -> None:
        self._folder = str(folder)
        self._limits = limits
        self._sink = _Sink(into, limit=limits.size_bytes)
        # Closed where this packer is left.
        self._tar = tarfile.open(  # noqa: SIM115
            fileobj=cast(BinaryIO, self._sink),
            mode="w|",
            format=tarfile.GNU_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
        )
        self._files = 0
        self._warnings: list[str] = []

    def __enter__(self) -> _Packer:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # After an error nothing may be written any more, which closing would do.
        self._sink.is_open = False
        self._tar.close()

    def finish(self) -> Packed:
        self._tar.close()
        return Packed(
            digest=self._sink.digest.hexdigest(),
            size_bytes=self._sink.size_bytes,
            files=self._files,
            warnings=tuple(self._warnings),
        )

    def add_folder(self, descriptor: int, path: PurePosixPath) -> None:
        if len(path.parts) > self._limits.depth:
            raise ArtifactError(f"{path}: more than {self._limits.depth} folders deep")
        for name in sorted(os.listdir(descriptor), key=os.fsencode):
            self._add(name, descriptor, path / name)

    def _add(self, name: str, parent: int, path: PurePosixPath) -> None:
        try:
            mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            self._add_child_folder(name, parent, path)
        elif stat.S_ISREG(mode):
            self._add_file(name, parent, path)
        elif stat.S_ISLNK(mode):
            self._add_link(name, parent, path)
        else:
            self._leave_out(path, "not a file, folder or link")

    def _add_child_folder(self, name: str, parent: int, path: PurePosixPath) -> None:
        descriptor = open_child_folder(name, parent=parent)
        try:
            self._add_entry(_entry(path, tarfile.DIRTYPE, mode=_EXECUTABLE))
            self.add_folder(descriptor, path)
        finally:
            os.close(descriptor)

    def _add_file(self, name: str, parent: int, path: PurePosixPath) -> None:
        descriptor = open_child_file(name, parent=parent)
        if descriptor is None:
            self._leave_out(path, "it changed while the folder was read")
            return
        with open(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            mode = _EXECUTABLE if facts.st_mode & stat.S_IXUSR else _PLAIN
            entry = _entry(path, tarfile.REGTYPE, mode=mode)
            entry.size = facts.st_size
            self._add_entry(entry, file)

    def _add_link(self, name: str, parent: int, path: PurePosixPath) -> None:
        target = os.readlink(name, dir_fd=parent)
        portable = portable_target(target, link=path, folder=self._folder)
        if portable is None:
            self._leave_out(path, "a link that leads outside")
            return
        entry = _entry(path, tarfile.SYMTYPE, mode=0o777)
        entry.linkname = portable
        self._add_entry(entry)

    def _add_entry(self, entry: tarfile.TarInfo, file: BinaryIO | None = None) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise ArtifactError(f"{self._folder}: more than {self._limits.files} files")
        self._tar.addfile(entry, file)
        forget_entries(self._tar)

    def _leave_out(self, path: PurePosixPath, reason: str) -> None:
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.append(f"left out {str(path)!r}: {reason}")


def _entry(path: PurePosixPath, kind: bytes, *, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(path))
    entry.type, entry.mode = kind, mode
    return entry


class _Sink:
    """Counts and digests what passes on to the file."""

    def __init__(self, file: BinaryIO, *, limit: int) -> None:
        self._file = file
        self._limit = limit
        self.is_open = True
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        if not self.is_open:
            return len(data)
        self.size_bytes += len(data)
        if self.size_bytes > self._limit:
            raise ArtifactError(f"the artifact is larger than {self._limit} bytes")
        self.digest.update(data)
        return self._file.write(data)


def forget_entries(archive: Any) -> None:
    """Keeps an open archive from growing with the entries that went through it.

    It remembers all of them, for uses that streaming has not; the attribute is untyped.
    """
    archive.members.clear()


def chunks(file: BinaryIO, *, size_bytes: int = 1 << 20) -> Iterator[bytes]:
    """The rest of a file, piece by piece."""
    while data := file.read(size_bytes):
        yield data
