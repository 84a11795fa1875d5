"""What a trial costs beyond its stage: time against a bare pod, memory, images. Needs the cluster.

    make cluster && python -m benchmarks.overhead

Three measurements in one run. (1) A one-stage trial and the same stage in a bare pod take turns,
twenty of each, nothing else runs; from the request that creates TuningTrial or Pod to the watch
event that shows its end. (2) A study whose worker proposes one trial after the other; from the
time of the agent's last object in the store to the watch event of the next trial's pod. (3) The
same with `lookAhead: Pod` and trials of six seconds, so that the next pod is there by then: from
the agent's last object to the first line that the next trial's stage prints, by its container's
log.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks._cluster import (
    Sightings,
    namespace_with,
    operator_mb,
    placed,
    released,
    study_without_workers,
    trial_of,
)
from benchmarks._report import Figure, at_most, bootstrap, percentile, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "support"))

import node
from bucket import Bucket, open_bucket
from kube import Kube, Object, kubectl, wait_for
from release import RELEASE, SECRET, SYSTEM
from scenarios import IMAGE, REPORT, stage, study

from tuner.log import Kind

SCRIPT = f"sleep 1\n{REPORT}"
LONGER = f"echo begun\nsleep 6\n{REPORT}"
OVERHEAD_SECONDS = 2.5
HAND_OVER_SECONDS = 0.5
OPERATOR_MB = 200.0
AGENT_MB = 64.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    samples = parser.parse_args().samples
    kube = released()
    with (
        namespace_with(kube, "overhead", instance_type=TYPE) as namespace,
        open_bucket(kube, namespace=SYSTEM, service=f"{RELEASE}-minio", secret=SECRET) as bucket,
    ):
        trials, bare, agent_mb = _turns(kube, bucket, namespace, samples=samples)
        gaps = _gaps(kube, bucket, namespace, samples=samples)
        ahead, at_once = _hand_overs(kube, bucket, namespace, samples=samples)
        resident_mb = operator_mb(kube)
    beyond = [trial - pod for trial, pod in zip(trials, bare, strict=True)]
    figures = [
        at_most("trial beyond a bare pod, median seconds", statistics.median(beyond),
                target=OVERHEAD_SECONDS, interval=bootstrap(beyond)),
        Figure(name="trial beyond a bare pod, p95 seconds", value=percentile(beyond, 0.95)),
        at_most("agent's last put to the next pod, median seconds", statistics.median(gaps),
                target=HAND_OVER_SECONDS, interval=bootstrap(gaps)),
        at_most("lookAhead Pod: agent's last put to the next trial's first line, median seconds",
                statistics.median(ahead), target=HAND_OVER_SECONDS, interval=bootstrap(ahead)),
        Figure(name="the same, p95 seconds", value=percentile(ahead, 0.95)),
        at_most("operator's resident memory, MB", resident_mb, target=OPERATOR_MB),
        at_most("agent's resident memory, MB", agent_mb, target=AGENT_MB),
        *_image_sizes(kube),
    ]  # fmt: skip
    controls = {
        "bare pod, median and p95 seconds": [statistics.median(bare), percentile(bare, 0.95)],
        "trial, median and p95 seconds": [statistics.median(trials), percentile(trials, 0.95)],
        "samples": len(trials),
        "samples of the hand-over": len(gaps),
        "samples with lookAhead Pod, and whose pod was ready": [len(ahead), at_once],
    }
    print(report("overhead", figures, controls=controls))


def _turns(
    kube: Kube, bucket: Bucket, namespace: str, *, samples: int
) -> tuple[list[float], list[float], float]:
    """Seconds of each trial, seconds of each bare pod, and the largest agent in MB."""
    manifest = study("turns", stage(SCRIPT), types=["overhead"], budget={"maxTrials": 10_000})
    owner = study_without_workers(kube, manifest, namespace=namespace)
    trials, pods = Sightings("tuningtrials", namespace), Sightings("pods", namespace)
    of_trials, of_pods, agent_mb = [], [], 0.0
    try:
        for number in range(samples):
            name = f"turns-0-{number}"
            start = time.time()
            kube.apply(trial_of(owner, number, instance_type="overhead"))
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
        manifest = study("gaps", stage(SCRIPT), types=["overhead"], parallelTrials=1,
                         budget={"maxTrials": samples + 1})  # fmt: skip
        last_puts = sorted(_last_puts(bucket, _run(kube, manifest, namespace)).values())
    finally:
        pods.close()
    starts = sorted(when for name, when in pods.created.items() if name.startswith("gaps-0-"))
    return [start - put for put, start in zip(last_puts, starts[1:], strict=False)]


def _hand_overs(
    kube: Kube, bucket: Bucket, namespace: str, *, samples: int
) -> tuple[list[float], int]:
    """Seconds from each trial's last put to the next one's first line; how many pods were ready."""
    manifest = study("ahead", stage(LONGER), types=["overhead"], parallelTrials=1,
                     workers={"lookAhead": "Pod"}, budget={"maxTrials": samples + 1})  # fmt: skip
    found = _run(kube, manifest, namespace)
    last_puts = sorted(_last_puts(bucket, found).values())
    own = [one for one in kube.list("tuningtrials", namespace) if one["spec"]["study"] == "ahead"]
    segments = [one["status"]["segments"][-1] for one in own]
    starts = sorted(_first_line(one["pod"], namespace) for one in segments)
    ready = sum("releaseTime" in one for one in segments)
    return [start - put for put, start in zip(last_puts, starts[1:], strict=False)], ready


def _run(kube: Kube, manifest: dict[str, Any], namespace: str) -> Object:
    """Lets a study run to its end."""
    kube.apply(placed(manifest, namespace))
    name = manifest["metadata"]["name"]

    def ended() -> Object | None:
        found = kube.get("tuningstudies", name, namespace)
        return found if found and found.get("status", {}).get("completionTime") else None

    seconds = 30 + 15 * manifest["spec"]["budget"]["maxTrials"]
    return wait_for(f"the end of study {name}", ended, seconds=seconds)


def _first_line(pod: str, namespace: str) -> float:
    """When the stage printed it, by this machine's clock."""
    words = ["logs", pod, f"--namespace={namespace}", "-c", "stage", "--timestamps"]
    return datetime.fromisoformat(kubectl(*words).split(maxsplit=1)[0]).timestamp()


def _last_puts(bucket: Bucket, found: Object) -> dict[str, float]:
    """When the result of each trial was written, by the store's clock, which is this machine's."""
    records = bucket.log(found).read_all()
    return {one.trial: one.milliseconds / 1000 for one in records if one.kind is Kind.RESULT}


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
TYPE = {"pricePerHour": 0.36, "resources": RESOURCES}


def _agent_mb(kube: Kube, pod: str, namespace: str) -> float:
    """The agent while its stage sleeps."""

    def container() -> str | None:
        found = kube.get("pods", pod, namespace)
        ready = found and node.container_id(found, "stage") and node.container_id(found, "agent")
        return ready or None

    identifier = wait_for(f"the agent of {pod}", container, seconds=60, interval=0.3)
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


if __name__ == "__main__":
    main()
