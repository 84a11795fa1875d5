"""What a trial costs beyond its stage: time against a bare pod, memory, images. Needs the cluster.

    make cluster && python -m benchmarks.overhead

Two measurements in one run. (1) A one-stage trial and the same stage in a bare pod take turns,
twenty of each, nothing else runs; from the request that creates TuningTrial or Pod to the watch
event that shows its end. (2) A study whose worker proposes one trial after the other; from the
time of the agent's last object in the store to the watch event of the next trial's pod.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, at_most, bootstrap, percentile, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "support"))

import node
from bucket import Bucket, open_bucket
from kube import Kube, Object, wait_for
from release import RELEASE, SECRET, SYSTEM, install
from scenarios import IMAGE, REPORT, stage, study

SCRIPT = f"sleep 1\n{REPORT}"
ENDED = {"Completed", "Stopped", "Failed", "Cancelled", "Rejected", "Succeeded"}
OVERHEAD_SECONDS = 2.5
HAND_OVER_SECONDS = 0.5
OPERATOR_MB = 200.0
AGENT_MB = 64.0


class Sightings:
    """When an object was first seen, and first seen ended, by kind and name; from a watch."""

    def __init__(self, kind: str, namespace: str) -> None:
        self.created: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        words = ["kubectl", "get", kind, f"--namespace={namespace}", "--watch", "-o", "json",
                 "--output-watch-events"]  # fmt: skip
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._note(json.loads(line)["object"])

    def _note(self, seen: Object) -> None:
        name, status = seen["metadata"]["name"], seen.get("status", {})
        now = time.time()
        self.created.setdefault(name, now)
        if (status.get("state") or status.get("phase")) in ENDED:
            self.ended.setdefault(name, now)

    def close(self) -> None:
        """Ends the watch."""
        self._process.terminate()
        self._process.wait(timeout=10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    samples = parser.parse_args().samples
    _find_cluster()
    images = json.loads(Path(os.environ["TUNER_CLUSTER_STATE"], "images.json").read_text())
    install(images)
    kube = Kube()
    with (
        _namespace(kube) as namespace,
        open_bucket(kube, namespace=SYSTEM, service=f"{RELEASE}-minio", secret=SECRET) as bucket,
    ):
        trials, bare, agent_mb = _turns(kube, bucket, namespace, samples=samples)
        gaps = _gaps(kube, bucket, namespace, samples=samples)
        operator_mb = _operator_mb(kube)
    beyond = [trial - pod for trial, pod in zip(trials, bare, strict=True)]
    figures = [
        at_most("trial beyond a bare pod, median seconds", statistics.median(beyond),
                target=OVERHEAD_SECONDS, interval=bootstrap(beyond)),
        Figure(name="trial beyond a bare pod, p95 seconds", value=percentile(beyond, 0.95)),
        at_most("agent's last put to the next pod, median seconds", statistics.median(gaps),
                target=HAND_OVER_SECONDS, interval=bootstrap(gaps)),
        at_most("operator's resident memory, MB", operator_mb, target=OPERATOR_MB),
        at_most("agent's resident memory, MB", agent_mb, target=AGENT_MB),
        *_image_sizes(kube),
    ]  # fmt: skip
    controls = {
        "bare pod, median and p95 seconds": [statistics.median(bare), percentile(bare, 0.95)],
        "trial, median and p95 seconds": [statistics.median(trials), percentile(trials, 0.95)],
        "samples": len(trials),
        "samples of the hand-over": len(gaps),
    }
    print(report("overhead", figures, controls=controls))


def _turns(
    kube: Kube, bucket: Bucket, namespace: str, *, samples: int
) -> tuple[list[float], list[float], float]:
    """Seconds of each trial, seconds of each bare pod, and the largest agent in MB."""
    owner = _study_without_workers(kube, namespace)
    trials, pods = Sightings("tuningtrials", namespace), Sightings("pods", namespace)
    of_trials, of_pods, agent_mb = [], [], 0.0
    try:
        for number in range(samples):
            name = f"turns-0-{number}"
            start = time.time()
            kube.apply(_trial(name, number, owner))
            agent_mb = max(agent_mb, _agent_mb(kube, f"{name}-1", namespace))
            wait_for(name, lambda name=name: name in trials.ended, seconds=60, interval=0.05)
            of_trials.append(trials.ended[name] - start)
            start = time.time()
            kube.apply(_bare_pod(f"bare-{number}", namespace))
            name = f"bare-{number}"
            wait_for(name, lambda name=name: name in pods.ended, seconds=60, interval=0.05)
            of_pods.append(pods.ended[name] - start)
    finally:
        trials.close()
        pods.close()
    return of_trials, of_pods, agent_mb


def _gaps(kube: Kube, bucket: Bucket, namespace: str, *, samples: int) -> list[float]:
    """Seconds from the last put of each trial's agent to the creation of the next trial's pod."""
    pods = Sightings("pods", namespace)
    try:
        kube.apply(_placed(study("gaps", stage(SCRIPT), types=["overhead"], parallelTrials=1,
                                 budget={"maxTrials": samples + 1}), namespace))  # fmt: skip
        wait_for("the end of the study", lambda: _ended(kube, namespace), seconds=30 + 15 * samples)
        found = kube.get("tuningstudies", "gaps", namespace)
        assert found is not None
        last_puts = sorted(_last_puts(bucket, found).values())
    finally:
        pods.close()
    starts = sorted(when for name, when in pods.created.items() if name.startswith("gaps-0-"))
    return [start - put for put, start in zip(last_puts, starts[1:], strict=False)]


def _ended(kube: Kube, namespace: str) -> bool:
    found = kube.get("tuningstudies", "gaps", namespace)
    return bool(found and found.get("status", {}).get("completionTime"))


def _last_puts(bucket: Bucket, found: Object) -> dict[str, float]:
    """When the result of each trial was stored, by the store's clock, which is this machine's."""
    log = bucket.log(found)
    return {
        key.rsplit("/", 1)[1].split(".")[2]: when
        for key, when in bucket.times(f"{log.prefix}/log/").items()
        if ".result." in key
    }


def _study_without_workers(kube: Kube, namespace: str) -> Object:
    """A study whose worker finds no node: its trials are this benchmark's."""
    manifest = study("turns", stage(SCRIPT), types=["overhead"], budget={"maxTrials": 10_000})
    nowhere = {"spec": {"nodeSelector": {"tuner.dev/benchmark": "nowhere"}}}
    manifest["spec"]["workers"] = {"podTemplate": nowhere}
    kube.apply(_placed(manifest, namespace))

    def accepted() -> Object | None:
        found = kube.get("tuningstudies", "turns", namespace)
        conditions = (found or {}).get("status", {}).get("conditions", [])
        true = {one["type"] for one in conditions if one["status"] == "True"}
        return found if {"Accepted", "StoreReachable"} <= true else None

    return wait_for("the study to be accepted", accepted, seconds=60)


def _trial(name: str, number: int, owner: Object) -> dict[str, Any]:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningTrial",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {"tuner.dev/study": owner["metadata"]["name"]},
            "ownerReferences": [reference],
        },
        # Another value each time: the stage must run, not come from the cache.
        "spec": {
            "study": owner["metadata"]["name"],
            "worker": 0,
            "number": number,
            "parameters": {"x": (number + 1) / 1000},
            "instanceTypes": {"train": "overhead"},
        },
    }


def _bare_pod(name: str, namespace: str) -> dict[str, Any]:
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    environment = {"TUNER_PARAM_X": "0.5", "TUNER_REPORTS": "/dev/null"}
    container = {
        "name": "stage",
        "image": IMAGE,
        "command": ["sh", "-euc", SCRIPT],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {"limits": RESOURCES, "requests": RESOURCES},
        "securityContext": restricted,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [container],
        },
    }


RESOURCES = {"cpu": "200m", "memory": "64Mi"}


def _agent_mb(kube: Kube, pod: str, namespace: str) -> float:
    """The agent while its stage sleeps."""

    def container() -> str | None:
        found = kube.get("pods", pod, namespace)
        ready = found and node.container_id(found, "stage") and node.container_id(found, "agent")
        return ready or None

    identifier = wait_for(f"the agent of {pod}", container, seconds=60, interval=0.3)
    return node.resident_bytes(identifier) / 1e6


def _operator_mb(kube: Kube) -> float:
    (pod,) = kube.list("pods", SYSTEM, selector="app.kubernetes.io/component=operator")
    identifier = node.container_id(pod, "operator")
    assert identifier is not None
    return node.resident_bytes(identifier) / 1e6


def _image_sizes(kube: Kube) -> list[Figure]:
    sizes = {
        name: image["sizeBytes"]
        for machine in kube.list("nodes")
        for image in machine["status"].get("images", [])
        for name in image["names"]
    }
    return [
        Figure(name=f"image {short}, MB", value=sizes[f"docker.io/tuner/{short}:dev"] / 1e6)
        for short in ("agent", "operator", "worker")
        if f"docker.io/tuner/{short}:dev" in sizes
    ]


def _placed(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


@contextmanager
def _namespace(kube: Kube) -> Iterator[str]:
    name = f"overhead-{uuid.uuid4().hex[:6]}"
    secret = kube.get("secrets", SECRET, SYSTEM)
    assert secret is not None
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": name},
            "data": secret["data"],
        },
        {
            "apiVersion": "tuner.dev/v1alpha1",
            "kind": "InstanceType",
            "metadata": {"name": "overhead"},
            "spec": {"pricePerHour": 0.36, "resources": RESOURCES},
        },
    )
    try:
        yield name
    finally:
        kube.delete("namespaces", name)
        kube.delete("instancetypes", "overhead")


def _find_cluster() -> None:
    if os.environ.get("KUBECONFIG"):
        return
    script = Path(__file__).parents[1] / "tests" / "cluster" / "cluster.py"
    done = subprocess.run([sys.executable, script, "env"], capture_output=True, text=True)
    exports: Mapping[str, str] = dict(
        line.removeprefix("export ").split("=", maxsplit=1) for line in done.stdout.splitlines()
    )
    os.environ.update({name: os.path.expandvars(value) for name, value in exports.items()})


if __name__ == "__main__":
    main()
