"""The studies of one test's namespace: what tests do with them and wait for."""

from __future__ import annotations

import json

import invariants
import node
from bucket import Bucket
from kube import Kube, Object, kubectl, wait_for


class Studies:
    """The studies of one test's namespace."""

    def __init__(self, kube: Kube, bucket: Bucket, namespace: str) -> None:
        self.kube, self.bucket, self.namespace = kube, bucket, namespace

    def apply(self, study: Object) -> str:
        """Creates or changes a study; returns its name."""
        study["metadata"]["namespace"] = self.namespace
        self.kube.apply(study)
        return str(study["metadata"]["name"])

    def get(self, name: str) -> Object:
        """The study; it must exist."""
        found = self.kube.get("tuningstudies", name, self.namespace)
        assert found is not None, f"study {name} is gone"
        return found

    def status(self, name: str) -> Object:
        """Its status, empty before there is one."""
        found: Object = self.get(name).get("status", {})
        return found

    def condition(self, name: str, kind: str) -> Object:
        """One of its conditions, empty before there is one."""
        conditions = self.status(name).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def trials(self, name: str) -> list[Object]:
        """Its trials, oldest first."""
        found = self.kube.list("tuningtrials", self.namespace)
        own = [one for one in found if one["spec"]["study"] == name]
        return sorted(own, key=lambda one: one["metadata"]["creationTimestamp"])

    def pods(self, *, role: str = "trial", live: bool = True) -> list[Object]:
        """Pods of trials or workers."""
        found = self.kube.list("pods", self.namespace, selector=f"tuner.dev/role={role}")
        return [one for one in found if not live or one["status"].get("phase") in invariants.LIVE]

    def running_pod(self, *, seconds: float = 60) -> Object:
        """A trial pod whose stage runs."""

        def find() -> Object | None:
            ready = (one for one in self.pods() if node.container_id(one, "stage"))
            return next((one for one in ready if "deletionTimestamp" not in one["metadata"]), None)

        return wait_for("a running trial pod", find, seconds=seconds, show=self.describe)

    def end(self, name: str, *, seconds: float) -> Object:
        """Waits for the study's end; returns its status then."""

        def ended() -> Object | None:
            status = self.status(name)
            return status if status.get("completionTime") else None

        return wait_for(f"the end of study {name}", ended, seconds=seconds, show=self.describe)

    def reports(self, name: str) -> list[tuple[str, int, float, dict[str, float]]]:
        """All reports in the log: trial, attempt, fidelity, metrics."""
        records = [
            one for one in self.bucket.log(self.get(name)).read_all() if one.kind == "reports"
        ]
        return [
            (record.trial, record.attempt, report["fidelity"], report["metrics"])
            for record in records
            for report in record.body["reports"]
        ]

    def describe(self) -> str:
        """Everything that explains a failure."""
        words = [
            kubectl(
                "get", "studies,tuningtrials,pods", f"--namespace={self.namespace}", "-o", "wide"
            )
        ]
        for kind in ("tuningstudies", "tuningtrials"):
            for one in self.kube.list(kind, self.namespace):
                words.append(
                    f"{one['metadata']['name']}: {json.dumps(one.get('status', {}))[:1500]}"
                )
        words.append(
            kubectl("get", "events", f"--namespace={self.namespace}", "--sort-by=.lastTimestamp")[
                -4000:
            ]
        )
        for role, container in (("worker", "worker"), ("trial", "agent")):
            for pod in self.pods(role=role, live=False)[-2:]:
                name = pod["metadata"]["name"]
                log = self.kube.log(name, self.namespace, container)
                words.append(f"--- {name}/{container}\n{log[-3000:]}")
        return "\n".join(words)
