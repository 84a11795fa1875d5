"""The processes of a pod's containers, for tests that kill or freeze them."""

import json
from pathlib import Path

import runtime
from components import kubectl


class NotRunning(RuntimeError):
    """The pod or the container named does not run."""


def pids(pod: str, *, container: str | None = None) -> list[int]:
    """Host pids of a pod's container, its first process first.

    Args:
        pod: `namespace/name`.
        container: its name; a pod of one container needs none.

    Raises:
        NotRunning: there is no such container, or it has ended.
    """
    first = runtime.init_pid(_container_id(pod, container))
    if first is None:
        raise NotRunning(f"{pod}: the container has ended")
    return [first, *(pid for pid in _cgroup_members(first) if pid != first)]


def _container_id(pod: str, container: str | None) -> str:
    namespace, _, name = pod.partition("/")
    document = json.loads(kubectl("get", "pod", name, f"--namespace={namespace}", "-o", "json"))
    status = document["status"]
    statuses = status.get("containerStatuses", []) + status.get("initContainerStatuses", [])
    ids: dict[str, str] = {entry["name"]: entry.get("containerID", "") for entry in statuses}
    if container is None and len(ids) == 1:
        container = next(iter(ids))
    if not ids.get(container or ""):
        raise NotRunning(f"{pod}: name one of its containers, {', '.join(sorted(ids))}")
    return ids[container or ""].removeprefix("containerd://")


def _cgroup_members(pid: int) -> list[int]:
    """Every process in the memory cgroup (version 1) or the cgroup (version 2) of `pid`."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    paths = dict(line.split(":", 2)[1:] for line in lines)
    root = Path("/sys/fs/cgroup")
    group = root / "memory" / paths["memory"][1:] if "memory" in paths else root / paths[""][1:]
    return [int(word) for word in (group / "cgroup.procs").read_text().split()]
