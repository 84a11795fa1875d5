"""What processes leave behind that died before they could clean up."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from settings import BUILDAH_ROOT, CONTAINERD_ROOT, CONTAINERD_SOCKET, RUN, STATE
from shell import run, succeeds


def remove() -> None:
    """End containers that nothing supervises, release mounts, remove control groups."""
    _kill_shims()
    for folder in (STATE, RUN, CONTAINERD_ROOT, BUILDAH_ROOT):
        _unmount_below(folder)
    _remove_cgroups()


def _kill_shims() -> None:
    """Kill container shims that no containerd answers for any more, and their containers."""
    shims = {pid for pid, words in _command_lines() if _is_our_shim(words)}
    children = [pid for pid, _ in _command_lines() if _parent(pid) in shims]
    for pid in [*shims, *children]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            yield int(folder.name), (folder / "cmdline").read_text(errors="replace").split("\0")


def _is_our_shim(words: list[str]) -> bool:
    return words[0].endswith("containerd-shim-runc-v2") and str(CONTAINERD_SOCKET) in words


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    below = [mount for mount in mounts if Path(mount).is_relative_to(folder)]
    for mount in sorted(below, key=len, reverse=True):
        run(["umount", "--lazy", mount])


def _remove_cgroups() -> None:
    """Remove the kubelet's empty groups; one that is busy stays and is used again."""
    for controller in Path("/sys/fs/cgroup").iterdir():
        root = controller / "kubepods"
        if root.is_dir():
            groups = sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True)
            for group in [*groups, root]:
                succeeds(["rmdir", group])
