"""What the cluster asks of containerd directly: images, leftovers, processes of containers."""

from pathlib import Path

from settings import CONTAINERD_SOCKET
from shell import run, succeeds


def ctr(*words: str | Path) -> str:
    """Run containerd's client in the kubelet's containerd namespace."""
    return run(["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", *words])


def digests() -> dict[str, str]:
    """The digest of each image, by name."""
    rows = [line.split() for line in ctr("images", "list").splitlines()[1:]]
    return {row[0]: row[2] for row in rows}


def import_image(archive: Path, *, name: str) -> str:
    """Import an OCI archive; name it by its digest as well, and return the digest.

    Importing by tag alone does not make an image known by its digest.
    """
    ctr("images", "import", archive)
    digest = digests()[name]
    repository = name.rpartition(":")[0]
    ctr("images", "tag", "--force", name, f"{repository}@{digest}")
    return digest


def remove_replaced() -> None:
    """Forget images that no tag names any more; containers that run from them go on.

    The kubelet's view adds a name made of the configuration's digest to each image, which would
    keep its content for ever.
    """
    images = digests()
    tagged = {digest for name, digest in images.items() if not _is_digest_name(name)}
    for name, digest in images.items():
        if digest not in tagged:
            ctr("images", "remove", name)


def _is_digest_name(name: str) -> bool:
    return "@sha256:" in name or name.startswith("sha256:")


def remove_containers() -> int:
    """Kill and remove all containers, sandboxes included; returns how many there were."""
    names = ctr("containers", "list", "--quiet").split()
    for name in names:
        address = ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io"]
        succeeds([*address, "tasks", "delete", "--force", name])
        ctr("containers", "delete", name)
    return len(names)


def init_pid(container: str) -> int | None:
    """The host pid of a container's first process; None where it does not run."""
    for line in ctr("tasks", "list").splitlines()[1:]:
        name, pid, status = line.split()
        if name == container and status == "RUNNING":
            return int(pid)
    return None
