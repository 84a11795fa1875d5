"""Fixtures of the tests on a real cluster: `KUBECONFIG`'s, else the test cluster of tests/cluster.

The release is installed once, into tuner-system; each test has a namespace of its own, and the
invariants are checked when it is over.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _find_cluster() -> None:
    """Points the environment at the test cluster, if it is up and nothing else is asked for."""
    if os.environ.get("KUBECONFIG"):
        return
    script = ROOT / "tests" / "cluster" / "cluster.py"
    exports = subprocess.run([sys.executable, script, "env"], capture_output=True, text=True)
    found = dict(
        line.removeprefix("export ").split("=", maxsplit=1) for line in exports.stdout.splitlines()
    )
    if Path(found.get("KUBECONFIG", "/nowhere")).exists():
        os.environ.update({name: os.path.expandvars(value) for name, value in found.items()})


# Before anything imports the kubernetes client, which reads KUBECONFIG on import.
_find_cluster()
sys.path.insert(0, str(HERE / "support"))

import invariants  # noqa: E402
from bucket import Bucket, open_bucket  # noqa: E402
from kube import Kube, wait_for  # noqa: E402
from release import RELEASE, SECRET, SYSTEM, install  # noqa: E402
from studies import Studies  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster() -> None:
    """A cluster that answers; else the tests are skipped, and fail under CI."""
    if shutil.which("kubectl"):
        words = ["kubectl", "version", "--request-timeout=10s"]
        if subprocess.run(words, capture_output=True).returncode == 0:
            return
    reason = "no cluster answers: set KUBECONFIG, or start one with make cluster"
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="session")
def kube(cluster: None) -> Kube:
    return Kube()


@pytest.fixture(scope="session")
def images(cluster: None) -> dict[str, dict[str, str]]:
    """Digest and reference of the images by name; elsewhere $TUNER_IMAGES names such a file."""
    state = os.environ.get("TUNER_CLUSTER_STATE", "")
    file = Path(os.environ.get("TUNER_IMAGES") or Path(state) / "images.json")
    found: dict[str, dict[str, str]] = json.loads(file.read_text())
    return found


@pytest.fixture(scope="session")
def release(
    kube: Kube, images: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The chart, installed once however many processes run the tests; returns its namespace."""
    shared = (
        tmp_path_factory.getbasetemp().parent
        if "PYTEST_XDIST_WORKER" in os.environ
        else tmp_path_factory.getbasetemp()
    )
    with (shared / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "installed"
        if not done.exists():
            install(images)
            done.touch()
    return SYSTEM


@pytest.fixture
def bucket(kube: Kube, release: str) -> Iterator[Bucket]:
    with open_bucket(kube, namespace=release, service=f"{RELEASE}-minio", secret=SECRET) as opened:
        yield opened


@pytest.fixture
def namespace(kube: Kube, release: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace with the store's Secret, under the restricted pod security standard."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    labels = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "tuner.dev/test": request.node.name[:60].strip("_[]"),
    }
    secret = kube.get("secrets", SECRET, release)
    assert secret is not None
    kube.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": name},
            "data": secret["data"],
        }
    )
    yield name
    kube.delete("namespaces", name)


@pytest.fixture
def instance_type(kube: Kube, release: str) -> Iterator[Callable[..., str]]:
    """Makes instance types of the test's own."""
    made: list[str] = []

    def make(name: str = "", *, price: float = 0.36, memory: str = "48Mi", **spec: Any) -> str:
        name = name or f"e2e-{uuid.uuid4().hex[:8]}"
        resources = {"cpu": "5m", "memory": memory}
        kube.apply(
            {
                "apiVersion": "tuner.dev/v1alpha1",
                "kind": "InstanceType",
                "metadata": {"name": name},
                "spec": {"pricePerHour": price, "resources": resources, **spec},
            }
        )
        made.append(name)
        return name

    yield make
    for name in made:
        kube.delete("instancetypes", name)


@pytest.fixture
def studies(kube: Kube, bucket: Bucket, namespace: str) -> Iterator[Studies]:
    """Studies in a namespace of their own; the invariants are checked in the end."""
    yield Studies(kube, bucket, namespace)
    gone = kube.get("namespaces", namespace)
    if gone is None or "deletionTimestamp" in gone["metadata"]:
        return
    seen: list[str] = []

    def hold() -> bool:
        seen[:] = invariants.violations(kube, bucket, namespace)
        return not seen

    wait_for("the invariants", hold, seconds=20, interval=2, show=lambda: "\n".join(seen))
