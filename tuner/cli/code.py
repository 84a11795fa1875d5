"""What stands for the image in `tuner run`: a digest of the code's folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
_SKIPPED_SUFFIXES = frozenset({".pyc", ".md"})
_CHUNK_BYTES = 1 << 20


def code_identity(folder: Path, *, besides: Iterable[Path] = ()) -> str:
    """The digest of all files of a folder: names, modes and contents.

    Hidden files, caches, Markdown and `besides` are left out, so that changing them does not undo
    the cache: the manifests, whose relevant fields are parts of stage keys on their own, and the
    folder of what is kept, which changes all the time.
    """
    left_out = frozenset(path.resolve() for path in besides)
    digest = hashlib.sha256()
    for path in sorted(_files(folder, left_out=left_out)):
        if path.suffix in _SKIPPED_SUFFIXES:
            continue
        name = path.relative_to(folder).as_posix()
        executable = os.access(path, os.X_OK)
        digest.update(f"{name}\0{executable:d}\0{_digest(path)}\n".encode())
    return f"code@sha256:{digest.hexdigest()}"


def _files(folder: Path, *, left_out: Container[Path]) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or Path(entry.path).resolve() in left_out:
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _SKIPPED_FOLDERS:
                yield from _files(Path(entry.path), left_out=left_out)
        elif entry.is_file():
            yield Path(entry.path)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
