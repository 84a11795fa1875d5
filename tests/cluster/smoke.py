"""Checks that the cluster does what the tests rely on, and prints how long it takes.

Run it with the cluster up: `.venv/bin/python tests/cluster/smoke.py`.
"""

import json
import os
import signal
import statistics
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import containers
from components import kubectl
from settings import BUSYBOX_IMAGE, IMAGES_JSON, MINIO_IMAGE, PROMETHEUS
from shell import wait_until

_NAMESPACE = "smoke"
_REPETITIONS = 10


def main() -> None:
    """Run every check in a namespace of its own, then print the figures as one JSON line."""
    kubectl("create", "namespace", _NAMESPACE)
    figures: dict[str, float] = {}
    try:
        for check in (_bare_pod, _sidecar_pod, _logs_and_exec, _store, _digest, _scrape,
                      _kill, _missing_image):  # fmt: skip
            start = time.monotonic()
            figures |= check() or {}
            print(f"{check.__name__[1:]}: {time.monotonic() - start:.1f} s", flush=True)
    finally:
        start = time.monotonic()
        kubectl("delete", "namespace", _NAMESPACE, "--timeout=120s")
        figures["namespace deletion"] = time.monotonic() - start
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


def _bare_pod() -> dict[str, float]:
    pod = _pod("bare", containers=[_container("main", "true")])
    return {"bare pod, median s": _median(lambda: _seconds_to_success(pod))}


def _sidecar_pod() -> dict[str, float]:
    # As in a trial pod, the sidecar ends by itself.
    sidecar = {**_container("agent", "sleep 1"), "restartPolicy": "Always"}
    pod = _pod("sidecar", containers=[_container("main", "sleep 1")], initContainers=[sidecar])
    return {"native sidecar of 1 s, median s": _median(lambda: _seconds_to_success(pod))}


def _logs_and_exec() -> None:
    _create(_pod("talker", containers=[_container("main", "echo hello; sleep 600")]))
    _wait("talker", "Running")
    _expect(_in("logs", "talker") == "hello\n", "kubectl logs")
    _expect(_in("exec", "talker", "--", "echo", "there") == "there\n", "kubectl exec")


def _store() -> None:
    server = _container("minio", "", image=MINIO_IMAGE)
    server |= {"command": ["minio"], "args": ["server", "/data"]}
    server["ports"] = [{"containerPort": 9000}]
    _create(_pod("store", containers=[server]))
    _in("expose", "pod", "store", "--port=80", "--target-port=9000")
    _wait("store", "Running")
    url = f"http://store.{_NAMESPACE}.svc/minio/health/live"
    probe = f"until wget -qO- {url}; do sleep 0.2; done"
    client = _pod("client", containers=[_container("main", probe)])
    _create(client)
    _wait("client", "Succeeded")
    address = _in("get", "service", "store", "-o", "jsonpath={.spec.clusterIP}")
    with urllib.request.urlopen(f"http://{address}/minio/health/live", timeout=5) as answer:
        _expect(answer.status == 200, "a service address from outside of the cluster")


def _digest() -> None:
    reference = json.loads(IMAGES_JSON.read_text())[BUSYBOX_IMAGE]["reference"]
    main = {**_container("main", "true", image=reference), "imagePullPolicy": "Never"}
    _create(_pod("digest", containers=[main]))
    _wait("digest", "Succeeded")


def _scrape() -> dict[str, float]:
    # The suffix makes this server send a content type, which Prometheus insists on.
    words = "mkdir /tmp/w; echo 'smoke_value 42' > /tmp/w/m.txt; httpd -f -p 8000 -h /tmp/w"
    pod = _pod("scraped", containers=[_container("main", words)])
    annotations = {"scrape": "true", "port": "8000", "path": "/m.txt"}
    pod["metadata"]["annotations"] = {f"prometheus.io/{k}": v for k, v in annotations.items()}
    start = time.monotonic()
    _create(pod)
    wait_until(lambda: _query("smoke_value") == ["42"], what="a scraped metric", seconds=60)
    return {"pod creation to its metric in Prometheus, s": time.monotonic() - start}


def _query(expression: str) -> list[str]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{PROMETHEUS}/api/v1/query?{query}", timeout=5) as answer:
        result = json.load(answer)["data"]["result"]
    return [series["value"][1] for series in result]


def _kill() -> None:
    os.kill(containers.pids(f"{_NAMESPACE}/talker", container="main")[0], signal.SIGKILL)
    _wait("talker", "Failed")


def _missing_image() -> dict[str, float]:
    start = time.monotonic()
    _create(_pod("missing", containers=[_container("main", "true", image="registry.invalid/a:1")]))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    wait_until(
        lambda: _in("get", "pod", "missing", "-o", reason) in ("ErrImagePull", "ImagePullBackOff"),
        what="a failed pull",
        seconds=60,
    )
    return {"failed image pull, s": time.monotonic() - start}


def _in(*words: str, stdin: str | None = None) -> str:
    return kubectl(f"--namespace={_NAMESPACE}", *words, stdin=stdin)


def _create(pod: dict[str, Any]) -> None:
    _in("create", "-f", "-", stdin=json.dumps(pod))


def _wait(pod: str, phase: str) -> None:
    _in("wait", f"pod/{pod}", f"--for=jsonpath={{.status.phase}}={phase}", "--timeout=60s")


def _seconds_to_success(pod: dict[str, Any]) -> float:
    start = time.monotonic()
    _create(pod)
    _wait(pod["metadata"]["name"], "Succeeded")
    seconds = time.monotonic() - start
    _in("delete", "pod", pod["metadata"]["name"], "--now")
    return seconds


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(_REPETITIONS))


def _pod(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, **spec},
    }


def _container(name: str, script: str, *, image: str = BUSYBOX_IMAGE) -> dict[str, Any]:
    return {"name": name, "image": image, "command": ["sh", "-c", script]}


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(f"{what} does not work")


if __name__ == "__main__":
    main()
