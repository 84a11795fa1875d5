"""What the benchmarks on a cluster share: a namespace, studies without workers, watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "support"))

import node
from kube import Kube, Object, wait_for
from release import SECRET, SYSTEM, install

ENDED = {"Completed", "Stopped", "Failed", "Cancelled", "Rejected", "Succeeded"}
GROUP = "tuner.dev/v1alpha1"


class Sightings:
    """When an object was first seen, and first seen ended, by name; from a watch.

    A watch that breaks off, as one does that cannot keep up with thousands of pods, goes on where
    it was.
    """

    def __init__(self, kind: str, namespace: str) -> None:
        self.created: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        group = "/api/v1" if kind == "pods" else f"/apis/{GROUP}"
        self._path = f"{group}/namespaces/{namespace}/{kind}?watch=true&allowWatchBookmarks=true"
        self._closed = False
        self._process = self._watch("0")
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._process.terminate()
        self._process.wait(timeout=10)

    def _watch(self, version: str) -> subprocess.Popen[str]:
        words = ["kubectl", "get", "--raw", f"{self._path}&resourceVersion={version}"]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def _read(self) -> None:
        while not self._closed:
            version = self._seen()
            if not self._closed:
                self._process = self._watch(version)

    def _seen(self) -> str:
        """Takes in what comes until the watch ends; from where to go on."""
        version = "0"
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return "0"
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._note(event["object"])
        return version

    def _note(self, found: Object) -> None:
        name, status, now = found["metadata"]["name"], found.get("status", {}), time.time()
        self.created.setdefault(name, now)
        if ENDED.intersection((status.get("state"), status.get("phase"))):
            self.ended.setdefault(name, now)


def find_cluster() -> None:
    """Points kubectl and the client to the test cluster, unless $KUBECONFIG says where."""
    if os.environ.get("KUBECONFIG"):
        return
    script = Path(__file__).parents[1] / "tests" / "cluster" / "cluster.py"
    done = subprocess.run([sys.executable, script, "env"], capture_output=True, text=True)
    exports: Mapping[str, str] = dict(
        line.removeprefix("export ").split("=", maxsplit=1) for line in done.stdout.splitlines()
    )
    os.environ.update({name: os.path.expandvars(value) for name, value in exports.items()})


def released(*, anew: bool = True) -> Kube:
    """The cluster with this repository's release on it; `anew` installs it over one that is there.

    One that is not the test cluster is taken as it is, if there is a release.
    """
    find_cluster()
    kube = Kube()
    if anew or kube.get("secrets", SECRET, SYSTEM) is None:
        install(json.loads(Path(os.environ["TUNER_CLUSTER_STATE"], "images.json").read_text()))
    return kube


@contextmanager
def namespace_with(
    kube: Kube, name: str, *, instance_type: Mapping[str, Any], patience: float = 0.0
) -> Iterator[str]:
    """A namespace with the store's Secret, and an InstanceType named `name`; removed at the end.

    Args:
        kube: The cluster.
        name: What both are called, the namespace with more behind it.
        instance_type: The spec.
        patience: For how many seconds it waits until the namespace is gone; 0 does not wait.
    """
    namespace = f"{name}-{uuid.uuid4().hex[:6]}"
    secret = kube.get("secrets", SECRET, SYSTEM)
    assert secret is not None
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": namespace},
            "data": secret["data"],
        },
        {
            "apiVersion": GROUP,
            "kind": "InstanceType",
            "metadata": {"name": name},
            "spec": dict(instance_type),
        },
    )
    try:
        yield namespace
    finally:
        kube.delete("namespaces", namespace)
        kube.delete("instancetypes", name)
        if patience:
            gone = f"namespace {namespace} to be gone"
            wait_for(gone, lambda: kube.get("namespaces", namespace) is None, seconds=patience)


def study_without_workers(kube: Kube, manifest: dict[str, Any], *, namespace: str) -> Object:
    """Applies a study whose worker pods find no node: its trials are made by the benchmark."""
    nowhere = {"spec": {"nodeSelector": {"tuner.dev/benchmark": "nowhere"}}}
    manifest["spec"]["workers"] = {**manifest["spec"].get("workers", {}), "podTemplate": nowhere}
    kube.apply(placed(manifest, namespace))
    name = manifest["metadata"]["name"]

    def accepted() -> Object | None:
        found = kube.get("tuningstudies", name, namespace)
        conditions = (found or {}).get("status", {}).get("conditions", [])
        true = {one["type"] for one in conditions if one["status"] == "True"}
        return found if {"Accepted", "StoreReachable"} <= true else None

    return wait_for(f"study {name} to be accepted", accepted, seconds=60)


def trial_of(owner: Object, number: int, *, instance_type: str) -> dict[str, Any]:
    """A trial as a worker makes it; each has another value, so none comes from the cache."""
    study = owner["metadata"]["name"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": study,
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": GROUP,
        "kind": "TuningTrial",
        "metadata": {
            "name": f"{study}-0-{number}",
            "namespace": owner["metadata"]["namespace"],
            "labels": {"tuner.dev/study": study},
            "ownerReferences": [reference],
        },
        "spec": {
            "study": study,
            "worker": 0,
            "number": number,
            "parameters": {"x": (number + 1) / 100_000},
            "instanceTypes": {"train": instance_type},
        },
    }


def placed(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The manifest in a namespace."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def operator_mb(kube: Kube) -> float:
    """The operator's resident memory."""
    (pod,) = kube.list("pods", SYSTEM, selector="app.kubernetes.io/component=operator")
    identifier = node.container_id(pod, "operator")
    assert identifier is not None
    return node.resident_bytes(identifier) / 1e6
