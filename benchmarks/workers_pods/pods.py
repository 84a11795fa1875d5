"""A study of short evaluations on a cluster, and when its stages ran."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._cluster import placed
from benchmarks.workers_pods.busy import Span

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "e2e" / "support"))

from bucket import Bucket
from kube import Kube, kubectl, wait_for
from scenarios import REPORT, stage, study

from tuner.log import Kind, Record

TYPE = "workers-pods"
INSTANCE_TYPE: Mapping[str, Any] = {
    "pricePerHour": 0.36,
    "resources": {"cpu": "20m", "memory": "32Mi"},
}
"""Small: sixteen of them and the workers must find room on a node of two cores."""

START_SECONDS = 120.0
STAGE = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One study.

    Attributes:
        look_ahead: What workers do ahead, as the manifest says it.
        places: How many trials run at a time.
        places_per_worker: How many of them one worker pod looks after.
        evaluation: Seconds of the stage.
    """

    look_ahead: str
    places: int
    places_per_worker: int
    evaluation: float

    @property
    def name(self) -> str:
        """Of its study."""
        return f"ahead-{self.look_ahead.lower()}"

    def manifest(self) -> dict[str, Any]:
        """The study; it ends only when it is deleted."""
        script = f"sleep {self.evaluation:g}\n{REPORT}"
        return study(
            self.name,
            stage(script, name=STAGE),
            types=[TYPE],
            parallelTrials=self.places,
            searcher={"type": "Auto", "seed": 1},
            workers={"trialsPerWorker": self.places_per_worker, "lookAhead": self.look_ahead},
            budget={"maxTrials": 100_000},
        )


def spans_of(records: Iterable[Record]) -> list[Span]:
    """When each stage ran: its own seconds, up to the time of its record."""
    ran = [one for one in records if one.kind is Kind.STAGE and one.body["outcome"] == "Run"]
    ends = [(one.milliseconds / 1000, float(str(one.body["seconds"]))) for one in ran]
    return sorted(Span(end - seconds, end) for end, seconds in ends)


def run(kube: Kube, bucket: Bucket, scene: Scene, *, namespace: str, seconds: float) -> list[Span]:
    """Lets the study run for so long after its first evaluation has ended; then it is deleted."""
    kube.apply(placed(scene.manifest(), namespace))

    def spans() -> list[Span]:
        found = kube.get("tuningstudies", scene.name, namespace)
        return [] if found is None else spans_of(bucket.log(found).read_all())

    wait_for("the first evaluation", spans, seconds=START_SECONDS, interval=1.0)
    time.sleep(seconds)
    found = spans()
    kube.delete("tuningstudies", scene.name, namespace)
    # What still sleeps would be given its time to end, and the next study less of the machine.
    kubectl(
        "delete", "pods", "--all", f"--namespace={namespace}", "--grace-period=1", "--wait=false"
    )
    wait_for(
        "the pods to go",
        lambda: not kube.list("pods", namespace),
        seconds=START_SECONDS,
        interval=1.0,
    )
    return found
