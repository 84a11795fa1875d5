"""The operator with 1,920 running trials: time to a pod, memory, requests. Needs the cluster.

    make cluster && python -m benchmarks.control_plane

Real: API server, scheduler, operator, bucket. Played by kwok: the nodes and what runs on them, so
trials start and never end. Two scenes, one after the other, in namespaces of their own:

one study    trials are created as fast as the API server takes them until --trials run (is the
             start-up quadratic? pods per second of the first and of the last quarter); then
             --probes more, one every half second: from the answer that the trial exists to the
             watch event of its pod.
many studies --studies of --each trials, then probes again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client

from benchmarks._cluster import (
    Sightings,
    namespace_with,
    operator_mb,
    released,
    study_without_workers,
    trial_of,
)
from benchmarks._report import Figure, at_most, percentile, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cluster"))

import fakenodes
from kube import Kube, Object, wait_for
from node import container_id, pids_of
from release import SYSTEM
from scenarios import REPORT, stage, study

TYPE = "control-plane"
CPU = "100m"
PODS_A_NODE = 500
AT_ONCE = 8
SPACING_SECONDS = 0.5
PATIENCE_SECONDS = 300.0
TRIAL_TO_POD_SECONDS = 2.0
OPERATOR_MB = 400.0
STATUS_KB = 256.0
"""Far below the 1.5 MB that etcd takes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1920)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--probes", type=int, default=100)
    parser.add_argument("--scene", action="append", choices=["one study", "many studies"])
    asked = parser.parse_args()
    if min(asked.trials, asked.studies * asked.each) < 8:
        parser.error("--trials, and --studies times --each, must be at least 8")
    kube = released()
    most = max(asked.trials, asked.studies * asked.each) + asked.probes
    scenes = {"one study": (1, asked.trials), "many studies": (asked.studies, asked.each)}
    figures: list[Figure] = []
    with _nodes(most // PODS_A_NODE + 1):
        for scene in asked.scene or scenes:
            studies, each = scenes[scene]
            for one in _scene(kube, scene, studies=studies, each=each, probes=asked.probes):
                figures.append(one)
                print(f"# {one.name}: {one.value:.3f}", file=sys.stderr, flush=True)
    controls = {
        "played by kwok": "nodes, kubelets, containers",
        "CPU cores of the machine, everything included": os.cpu_count(),
        "trials of one study": asked.trials,
        "studies and trials of each": [asked.studies, asked.each],
    }
    print(report("control_plane", figures, controls=controls))


def _scene(kube: Kube, scene: str, *, studies: int, each: int, probes: int) -> Iterator[Figure]:
    with namespace_with(
        kube, TYPE, instance_type=_INSTANCE_TYPE, patience=PATIENCE_SECONDS
    ) as namespace:
        pods = Sightings("pods", namespace)
        try:
            most = each + probes // studies + 1
            with ThreadPoolExecutor(AT_ONCE) as pool:
                names = [f"s{index}" for index in range(studies)]
                owners = list(pool.map(lambda name: _study(kube, name, most, namespace), names))
            trials = [trial_of(one, n, instance_type=TYPE) for n in range(each) for one in owners]
            created = _create(trials, at_once=AT_ONCE)
            _await_pods(pods, created)
            rates = _pods_a_second([pods.created[f"{name}-1"] for name in created])
            busy = _cpu_seconds(kube), _requests(kube), time.time()
            probed = _probe(owners, first=each, count=probes, pods=pods)
            seconds = time.time() - busy[2]
            used = _cpu_seconds(kube) - busy[0]
            requests = _requests(kube) - busy[1]
            waits = [pods.created[f"{name}-1"] - when for name, when in probed.items()]
            status = max(
                len(json.dumps(one.get("status", {})))
                for one in kube.list("tuningstudies", namespace)
            )
            memory = operator_mb(kube)
        finally:
            pods.close()
    yield Figure(name=f"{scene}: trial to pod, p50 seconds", value=percentile(waits, 0.5))
    yield at_most(
        f"{scene}: trial to pod, p99 seconds", percentile(waits, 0.99), target=TRIAL_TO_POD_SECONDS
    )
    yield at_most(f"{scene}: operator's resident memory, MB", memory, target=OPERATOR_MB)
    yield Figure(name=f"{scene}: operator's CPU cores while probed", value=used / seconds)
    yield Figure(name=f"{scene}: API requests a second, of everybody", value=requests / seconds)
    yield at_most(f"{scene}: largest status of a study, KB", status / 1e3, target=STATUS_KB)
    yield Figure(name=f"{scene}: pods a second, first quarter", value=rates[0])
    yield Figure(name=f"{scene}: pods a second, last quarter", value=rates[1])


def _study(kube: Kube, name: str, trials: int, namespace: str) -> Object:
    fields = {"parallelTrials": trials, "budget": {"maxTrials": 10 * trials}}
    manifest = study(name, stage(f"sleep 3600\n{REPORT}"), types=[TYPE], **fields)
    manifest["spec"]["trialLimits"] = {"maxDuration": "2h"}
    return study_without_workers(kube, manifest, namespace=namespace)


def _create(trials: Sequence[dict[str, Any]], *, at_once: int) -> dict[str, float]:
    """Creates trials; when the API server had each, by name."""
    objects = client.CustomObjectsApi()

    def create(trial: dict[str, Any]) -> tuple[str, float]:
        metadata = trial["metadata"]
        objects.create_namespaced_custom_object(
            "tuner.dev", "v1alpha1", metadata["namespace"], "tuningtrials", trial
        )
        return metadata["name"], time.time()

    with ThreadPoolExecutor(at_once) as pool:
        return dict(pool.map(create, trials))


def _probe(
    owners: Sequence[Object], *, first: int, count: int, pods: Sightings
) -> dict[str, float]:
    created: dict[str, float] = {}
    for number in range(count):
        owner = owners[number % len(owners)]
        created |= _create([trial_of(owner, first + number, instance_type=TYPE)], at_once=1)
        time.sleep(SPACING_SECONDS)
    _await_pods(pods, created)
    return created


def _await_pods(pods: Sightings, trials: dict[str, float]) -> None:
    names = {f"{name}-1" for name in trials}
    wait_for(
        f"{len(names)} pods",
        lambda: names <= pods.created.keys(),
        seconds=PATIENCE_SECONDS,
        interval=0.2,
    )


def _pods_a_second(times: Sequence[float]) -> tuple[float, float]:
    """Of the first and of the last quarter of the pods."""
    ordered = sorted(times)
    quarter = len(ordered) // 4
    first, last = ordered[: quarter + 1], ordered[-quarter - 1 :]
    return quarter / (first[-1] - first[0]), quarter / (last[-1] - last[0])


def _requests(kube: Kube) -> float:
    """Requests that the API server has answered, watches left out."""
    text = client.ApiClient().call_api(
        *client.ApiClient().param_serialize("GET", "/metrics", auth_settings=["BearerToken"])
    )
    lines = text.read().decode().splitlines()
    counted = [one for one in lines if one.startswith("apiserver_request_total{")]
    return sum(float(one.rsplit(" ", 1)[1]) for one in counted if 'verb="WATCH"' not in one)


def _cpu_seconds(kube: Kube) -> float:
    """What the operator has computed so far."""
    (pod,) = kube.list("pods", SYSTEM, selector="app.kubernetes.io/component=operator")
    identifier = container_id(pod, "operator")
    assert identifier is not None
    ticks = 0
    for pid in pids_of(identifier):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _nodes(count: int) -> Iterator[None]:
    fakenodes.add(TYPE, count=count, cpu=1000, memory="10000Gi", gpus=0)
    try:
        yield
    finally:
        fakenodes.remove()


_INSTANCE_TYPE: dict[str, Any] = {
    "pricePerHour": 0.36,
    "resources": {"cpu": CPU, "memory": "64Mi"},
    "nodeSelector": {"node.kubernetes.io/instance-type": TYPE},
    "tolerations": [{"key": fakenodes.TAINT, "operator": "Exists"}],
}


if __name__ == "__main__":
    main()
