"""What stands for the image in `tuner run`: a digest of the code's folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
_SKIPPED_SUFFIXES = frozenset({".pyc", ".md"})
_CHUNK_BYTES = 1 << 20


def code_identity(folder: Path, *, besides: Iterable[Path] = ()) -> str:
    """The digest of all files of a folder: names, modes and contents.

    Hidden files, caches, Markdown and `besides` (the manifests, whose relevant fields are parts of
    stage keys on their own) are left out, so that changing them does not undo the cache.
    """
    left_out = {path.resolve() for path in besides}
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        if path.resolve() in left_out or path.suffix in _SKIPPED_SUFFIXES:
            continue
        name = path.relative_to(folder).as_posix()
        executable = os.access(path, os.X_OK)
        digest.update(f"{name}\0{executable:d}\0{_digest(path)}\n".encode())
    return f"code@sha256:{digest.hexdigest()}"


def _files(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _SKIPPED_FOLDERS:
                yield from _files(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
