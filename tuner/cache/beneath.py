"""Opening what others wrote, beneath a root and through no symbolic link.

A stage may put a link in the place of any file or folder of its own, at any instant. So every
step of a path is opened relative to the descriptor of the step before, with O_NOFOLLOW, and the
file's type is asked of the descriptor. A hard link to a file of ours is no danger where it
matters: the store's credentials are on a mount of their own, in the agent's container only, and
hard links do not cross mounts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.errors import ArtifactError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a FIFO that takes a file's place would block the open.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def open_folder(folder: Path, *, beneath: Path, create: bool = False) -> Iterator[int]:
    """A descriptor of `folder`; below `beneath`, which is trusted, no step may be a link.

    Raises ArtifactError if a step is a link or no folder, or is missing and not to be created.
    """
    try:
        steps = folder.relative_to(beneath).parts
    except ValueError as error:
        raise ArtifactError(f"{folder} is not beneath {beneath}") from error
    if ".." in steps:
        raise ArtifactError(f"{folder} is not beneath {beneath}")
    try:
        descriptor = os.open(beneath, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ArtifactError(f"{beneath}: {error.strerror}") from error
    try:
        for step in steps:
            descriptor = _step(descriptor, step, folder=folder, create=create)
        yield descriptor
    finally:
        os.close(descriptor)


def _step(parent: int, name: str, *, folder: Path, create: bool) -> int:
    try:
        if create:
            make_folder(name, parent=parent)
        child = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        raise ArtifactError(f"{folder}: {name!r} is no folder: {error.strerror}") from error
    os.close(parent)
    return child


def make_folder(name: str, *, parent: int) -> None:
    """Makes a folder unless there is one; whether it is one shows when it is opened."""
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        return


def open_child_folder(name: str, *, parent: int) -> int:
    """A descriptor of a folder in a folder. Raises OSError if it is a link or no folder."""
    return os.open(name, _FOLDER, dir_fd=parent)


def open_child_file(name: str, *, parent: int) -> int | None:
    """A descriptor of a regular file in a folder; None if it is no regular file any more."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=parent)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor
