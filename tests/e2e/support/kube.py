"""The cluster as the tests see it: kubectl writes, the Python client reads, being cheaper."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kubernetes import client, config

Object = dict[str, Any]
T = TypeVar("T")

_GROUPS = {
    "tuningstudies": "/apis/tuner.dev/v1alpha1",
    "tuningtrials": "/apis/tuner.dev/v1alpha1",
    "instancetypes": "/apis/tuner.dev/v1alpha1",
    "deployments": "/apis/apps/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
}


def wait_for(
    what: str,
    check: Callable[[], T],
    *,
    seconds: float,
    interval: float = 0.5,
    show: Callable[[], object] = str,
) -> T:
    """Polls until `check` returns something true, and returns it; else fails with `show()`."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}\n{show()}")
        time.sleep(interval)


class Kube:
    """Reads and writes objects of the API as JSON."""

    def __init__(self) -> None:
        config.load_kube_config(config_file=os.environ.get("KUBECONFIG"))
        self.client = client.ApiClient()

    def list(self, kind: str, namespace: str = "", *, selector: str = "") -> list[Object]:
        """All objects of a kind (plural), in a namespace or in the cluster."""
        query = [("labelSelector", selector)] if selector else []
        answer: Object = self._read(_path(kind, namespace), query)
        items: list[Object] = answer["items"]
        return items

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object, or None."""
        try:
            answer: Object = self._read(f"{_path(kind, namespace)}/{name}", [])
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise
        return answer

    def _read(self, path: str, query: list[tuple[str, str]]) -> Any:
        parameters = self.client.param_serialize(
            "GET",
            path,
            query_params=query,
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        response = self.client.call_api(*parameters, _request_timeout=20)
        data = response.read()
        if not 200 <= response.status < 300:
            raise client.ApiException(status=response.status, reason=str(data[:300]))
        return json.loads(data)

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """As a user would: kubectl apply."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def patch(self, kind: str, name: str, namespace: str, change: Mapping[str, Any]) -> None:
        """Merges a change into an object."""
        kubectl(
            "patch",
            kind,
            name,
            f"--namespace={namespace}",
            "--type=merge",
            "-p",
            json.dumps(change),
        )

    def delete(self, kind: str, name: str, namespace: str = "", *options: str) -> None:
        """Deletes an object and does not wait; one that is gone is passed over."""
        place = [f"--namespace={namespace}"] if namespace else []
        kubectl("delete", kind, name, *place, "--ignore-not-found", "--wait=false", *options)

    def log(self, pod: str, namespace: str, container: str) -> str:
        """What a container has written; empty if there is none."""
        done = subprocess.run(
            ["kubectl", "logs", pod, f"--namespace={namespace}", "-c", container, "--tail=60"],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return done.stdout


def kubectl(*words: str, stdin: str | None = None) -> str:
    """Runs kubectl and returns its output; fails with what it said."""
    done = subprocess.run(
        ["kubectl", *words], input=stdin, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
    return done.stdout


def _path(kind: str, namespace: str) -> str:
    group = _GROUPS.get(kind, "/api/v1")
    return f"{group}/namespaces/{namespace}/{kind}" if namespace else f"{group}/{kind}"
