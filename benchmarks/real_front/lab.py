"""Studies on the cluster, run to their end however many calls that takes."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks._cluster import placed
from benchmarks.real_front.grids import code, instance_types

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "e2e" / "support"))

from kube import Kube, Object
from release import SECRET, SYSTEM

NAMESPACE = "real-front"
PROGRESS_SECONDS = 30.0


class OutOfTime(Exception):
    """The minutes are over; what runs is suspended and goes on with the next call."""


class Lab:
    """Runs studies to their end, however many calls that takes."""

    def __init__(self, kube: Kube, *, deadline: float) -> None:
        self._kube = kube
        self._deadline = deadline

    def prepare(self) -> None:
        """A namespace with the store's Secret, the code and the instance types."""
        secret = self._kube.get("secrets", SECRET, SYSTEM)
        assert secret is not None, f"the chart makes the Secret {SECRET}"
        self._kube.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            placed({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET},
                    "data": secret["data"]}, NAMESPACE),
            placed(code(), NAMESPACE),
            *instance_types(),
        )  # fmt: skip

    def finished(self, manifest: dict[str, Any]) -> Object:
        """The study once it has ended. Raises OutOfTime."""
        name = manifest["metadata"]["name"]
        if self._kube.get("tuningstudies", name, NAMESPACE) is None:
            self._kube.apply(placed(manifest, NAMESPACE))
        self._suspend(name, False)
        shown = time.monotonic()
        while True:
            study = self._kube.get("tuningstudies", name, NAMESPACE) or {}
            if study.get("status", {}).get("completionTime"):
                _show(name, study)
                return study
            if time.monotonic() > self._deadline:
                self._suspend(name, True)
                _show(name, study)
                raise OutOfTime
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                _show(name, study)
            time.sleep(2)

    def trials(self, study: str) -> list[Object]:
        """Its trials."""
        found = self._kube.list("tuningtrials", NAMESPACE)
        return [one for one in found if one["spec"]["study"] == study]

    def _suspend(self, name: str, value: bool) -> None:
        self._kube.patch("tuningstudies", name, NAMESPACE, {"spec": {"suspend": value}})


def _show(name: str, study: Object) -> None:
    status = study.get("status", {})
    spent = status.get("cost", {}).get("spent")
    print(f"{name}: {status.get('trials')}, ${spent}", file=sys.stderr, flush=True)
