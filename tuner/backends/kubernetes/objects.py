"""Between trials and TuningTrial objects; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tuner.backends._protocol import BackendEvent
from tuner.pipeline import StudyIdentity
from tuner.spec.meta import GROUP, VERSION
from tuner.spec.trial import TrialState
from tuner.trial import Trial

STUDY_LABEL: Final = "tuner.dev/study"
WORKER_LABEL: Final = "tuner.dev/worker"
PROMOTED: Final = "tuner.dev/promoted"
"""Annotation: the highest rung from which a worker promoted the trial."""

Object = Mapping[str, Any]


def trial_manifest(trial: Trial, *, study: StudyIdentity) -> dict[str, Any]:
    """The TuningTrial of a proposal, owned by its study."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TuningTrial",
        "metadata": {
            "name": trial.name,
            "namespace": study.namespace,
            "labels": {STUDY_LABEL: study.name, WORKER_LABEL: str(trial.worker)},
            "ownerReferences": [
                {
                    "apiVersion": f"{GROUP}/{VERSION}",
                    "kind": "TuningStudy",
                    "name": study.name,
                    "uid": study.uid,
                    "controller": True,
                }
            ],
        },
        "spec": {
            "study": study.name,
            "worker": trial.worker,
            "number": trial.number,
            "parameters": dict(trial.parameters),
            "instanceTypes": dict(trial.instance_types),
            "bracket": trial.bracket,
            "why": dict(trial.why),
        },
    }


def owned_by(item: Object, *, uid: str) -> bool:
    """Whether the object belongs to this very study, not to one of that name before it."""
    owners = item["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == uid for owner in owners)


def event_of(item: Object, *, time: float) -> BackendEvent:
    """How a TuningTrial stands; one that the operator has not seen yet is Queued."""
    status = item.get("status") or {}
    return BackendEvent(
        trial=item["metadata"]["name"],
        state=status.get("state") or TrialState.QUEUED,
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        attempt=int(status.get("attempts") or 0),
        cost_usd=float(status.get("cost") or 0.0),
        time=time,
    )


def gone(name: str, *, time: float) -> BackendEvent:
    """What is told of a TuningTrial that was deleted."""
    return BackendEvent(
        trial=name,
        state=TrialState.CANCELLED,
        reason="Deleted",
        message="the trial was deleted",
        time=time,
    )


def is_open(item: Object) -> bool:
    """Whether a TuningTrial has not ended."""
    state = (item.get("status") or {}).get("state") or TrialState.QUEUED
    return not TrialState(state).is_final
