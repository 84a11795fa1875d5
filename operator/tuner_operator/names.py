"""Names, labels and annotations of everything that the operator makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PREFIX: Final = "tuner.dev"

STUDY_LABEL: Final = f"{PREFIX}/study"
TRIAL_LABEL: Final = f"{PREFIX}/trial"
ATTEMPT_LABEL: Final = f"{PREFIX}/attempt"
ROLE_LABEL: Final = f"{PREFIX}/role"
TRIAL_ROLE: Final = "trial"
WORKER_ROLE: Final = "worker"
MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "tuner-operator"}

PLAN: Final = f"{PREFIX}/plan"
"""The trial's plan; shown to the agent through a downwardAPI volume."""
COMMAND: Final = f"{PREFIX}/command"
"""checkpoint or stop; shown to the agent likewise."""
COMMAND_TIME: Final = f"{PREFIX}/command-time"
"""When the command was given, RFC 3339."""
COMMAND_REASON: Final = f"{PREFIX}/command-reason"
"""Why, in one word: Suspended, or the reason of the study's end."""
HOLD: Final = f"{PREFIX}/hold"
"""For how many seconds a pod that was made ahead may wait; gone once it has its place."""
SPEC_HASH: Final = f"{PREFIX}/spec-hash"
"""Of what a child was made from; another hash means that it is made again."""
PROMOTED: Final = f"{PREFIX}/promoted"
"""On a trial: the highest rung from which a worker promoted it."""
BOUND: Final = f"{PREFIX}/bound"
"""What the pod's deadline enforces."""

ALLOW_TRIALS: Final = f"{PREFIX}/allow-trials"
"""true on a service account that pods of studies may use."""

AGENT: Final = "agent"
STAGE: Final = "stage"
WORKER: Final = "worker"
WORKER_CLUSTER_ROLE: Final = "tuner-worker"
STORE_SECRET: Final = "tuner-object-store"

Object = Mapping[str, Any]
"""An object of the API as JSON."""


def is_reserved_volume(name: str) -> bool:
    """Whether a volume of that name is the operator's own; users can neither make nor mount it."""
    return name == "tuner" or name.startswith("tuner-")


def trial_pod(trial: str, *, attempt: int) -> str:
    """The pod of a trial's attempt."""
    return f"{trial}-{attempt}"


def worker_pod(study: str, *, ordinal: int) -> str:
    """The pod of a study's worker."""
    return f"{study}-worker-{ordinal}"


def worker_account(study: str) -> str:
    """ServiceAccount, RoleBinding and ConfigMap of a study's workers."""
    return f"{study}-worker"


def study_prefix(namespace: str, study: str, *, uid: str) -> str:
    """Where the study's log lives in the store (docs/design/0002)."""
    return f"studies/{namespace}/{study}.{uid}"


def cache_prefix(namespace: str) -> str:
    """Where the stage artifacts of a namespace live in the store."""
    return f"cache/{namespace}"


def labels_of(obj: Object) -> Mapping[str, str]:
    """The labels of an object."""
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return labels


def annotations_of(obj: Object) -> Mapping[str, str]:
    """The annotations of an object."""
    annotations: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    return annotations


def owner_uid(obj: Object) -> str | None:
    """The uid of an object's controller."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return None
