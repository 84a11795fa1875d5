"""Processes of containers, where the node is this machine: as of the test cluster, or of kind."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from kube import Kube, Object, wait_for


def pids_of(container_id: str) -> list[int]:
    """The pids on this machine of a container's processes; empty where it runs elsewhere."""
    name = container_id.rpartition("/")[2]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            inside = name in (folder / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if inside:
            found.append(int(folder.name))
    return found


def init_pid(container_id: str) -> int | None:
    """The pid on this machine of a container's first process."""
    for pid in pids_of(container_id):
        try:
            status = (Path("/proc") / str(pid) / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        inner = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
        if inner[-1] == "1":
            return pid
    return None


def resident_bytes(container_id: str) -> int:
    """Resident memory of a container's processes, shared pages counted by share."""
    total = 0
    for pid in pids_of(container_id):
        try:
            text = (Path("/proc") / str(pid) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        pss = next(line for line in text.splitlines() if line.startswith("Pss:"))
        total += 1024 * int(pss.split()[1])
    return total


def container_id(pod: Object, container: str) -> str | None:
    """The id of a pod's running container."""
    status = pod.get("status", {})
    for entry in [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]:
        if entry["name"] == container and "running" in entry.get("state", {}):
            identifier: str = entry["containerID"]
            return identifier
    return None


def send(kube: Kube, pod: str, namespace: str, *, container: str, number: signal.Signals) -> None:
    """Sends a signal to a container's first process, from outside: it cannot be caught within."""

    def find() -> int | None:
        seen = kube.get("pods", pod, namespace)
        identifier = container_id(seen, container) if seen else None
        return init_pid(identifier) if identifier else None

    pid = wait_for(f"a process of {pod}/{container} on this machine", find, seconds=90)
    os.kill(pid, number)


Send = Callable[..., None]
