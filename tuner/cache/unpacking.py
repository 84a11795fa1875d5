"""A tar file back into a folder: everything beneath it, nothing written through a link."""

from __future__ import annotations

import os
import tarfile
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tuner.cache.beneath import make_folder, open_child_folder, open_folder
from tuner.cache.links import stays_inside
from tuner.cache.packing import Limits, forget_entries
from tuner.errors import ArtifactError, ObjectCorrupt

_CHUNK_BYTES = 1 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(
    source: BinaryIO, folder: Path, *, beneath: Path | None = None, limits: Limits | None = None
) -> None:
    """Puts a tar file into `folder`, which is made if it is missing and must be empty.

    Raises:
        ObjectCorrupt: The tar file is none that `pack` could have written.
        ArtifactError: The folder is not empty, or cannot be written to.
    """
    with open_folder(folder, beneath=beneath or folder.parent, create=True) as root:
        if os.listdir(root):
            raise ArtifactError(f"cannot restore into {folder}: it is not empty")
        try:
            with closing(_open(source)) as archive:
                _unpack(archive, root, limits or Limits())
        except (tarfile.TarError, EOFError, UnicodeError) as error:
            raise ObjectCorrupt(f"not an artifact: {error}") from error
        except OSError as error:
            raise ArtifactError(f"cannot restore into {folder}: {error}") from error


def _open(source: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(fileobj=source, mode="r|", encoding="utf-8", errors="surrogateescape")


def _unpack(archive: tarfile.TarFile, root: int, limits: Limits) -> None:
    files = 0
    while (entry := archive.next()) is not None:
        files += 1
        if files > limits.files or entry.size > limits.size_bytes:
            raise ObjectCorrupt("the artifact is larger than its limits")
        _place(archive, entry, root, limits)
        forget_entries(archive)


def _place(archive: tarfile.TarFile, entry: tarfile.TarInfo, root: int, limits: Limits) -> None:
    path = _safe(entry.name, limits)
    parent = os.dup(root)
    try:
        for step in path.parts[:-1]:
            child = open_child_folder(step, parent=parent)
            os.close(parent)
            parent = child
        if entry.isdir():
            make_folder(path.name, parent=parent)
        elif entry.issym():
            _place_link(entry, path, parent)
        elif entry.isreg():
            _place_file(archive, entry, path.name, parent)
        else:
            raise ObjectCorrupt(f"an artifact holds no entry of type {entry.type!r}")
    finally:
        os.close(parent)


def _safe(name: str, limits: Limits) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ObjectCorrupt(f"an artifact holds no entry {name!r}")
    if len(path.parts) > limits.depth + 1:
        raise ObjectCorrupt("the artifact is deeper than its limit")
    return path


def _place_link(entry: tarfile.TarInfo, path: PurePosixPath, parent: int) -> None:
    if not stays_inside(entry.linkname, link=path):
        raise ObjectCorrupt(f"link {entry.name!r} leads outside the artifact")
    os.symlink(entry.linkname, path.name, dir_fd=parent)


def _place_file(archive: tarfile.TarFile, entry: tarfile.TarInfo, name: str, parent: int) -> None:
    content = archive.extractfile(entry)
    if content is None:
        raise ObjectCorrupt(f"{entry.name!r} has no content")
    descriptor = os.open(name, _NEW_FILE, 0o755 if entry.mode & 0o100 else 0o644, dir_fd=parent)
    with open(descriptor, "wb") as file:
        while data := content.read(_CHUNK_BYTES):
            file.write(data)
        if file.tell() != entry.size:
            raise ObjectCorrupt(f"{entry.name!r} is cut off")
