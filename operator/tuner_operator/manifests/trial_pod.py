"""The pod of one attempt: the agent as a native sidecar, and the user's container `stage`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tuner.agent.runner import runner_command
from tuner.pipeline import POD_BASE, Segment, TrialPlan, plan_to_json
from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.study import TuningStudySpec
from tuner_operator.actions import Ref
from tuner_operator.manifests.parts import (
    container_security,
    dump,
    metadata,
    own_image,
    pod_security,
    store_mount,
    store_volume,
)
from tuner_operator.manifests.template import merge_template
from tuner_operator.names import (
    AGENT,
    ATTEMPT_LABEL,
    BOUND,
    COMMAND,
    HOLD,
    PLAN,
    ROLE_LABEL,
    STAGE,
    TRIAL_LABEL,
    TRIAL_ROLE,
    trial_pod,
)
from tuner_operator.observed import StudyView
from tuner_operator.settings import Settings

POD_FOLDER = "/etc/tuner/pod"
LONGEST_SECONDS = 2**31 - 1
GRACE_SECONDS = 90
_AGENT_REQUESTS = {"cpu": "10m", "memory": "64Mi"}
_AGENT_LIMITS = {"memory": "512Mi"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a pod is made for.

    Attributes:
        trial: The trial that owns it.
        plan: What the agent does.
        run: The stages it carries out.
        instance_type: Where.
        deadline_seconds: How long it may run; None for no limit.
        bound: What the deadline enforces.
        hold_seconds: For how long it may wait for a place; 0 if it has one.
    """

    trial: Ref
    plan: TrialPlan
    run: Segment
    instance_type: InstanceTypeSpec
    deadline_seconds: float | None
    bound: str
    hold_seconds: float = 0.0


def trial_pod_manifest(
    study: StudyView, attempt: Attempt, *, spec: TuningStudySpec, settings: Settings
) -> dict[str, Any]:
    """The pod, the same one for the same arguments."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(study, attempt),
        "spec": _spec(attempt, settings=settings),
    }
    merge_template(pod, spec.pipeline.pod_template, container=STAGE)
    return pod


def _metadata(study: StudyView, attempt: Attempt) -> dict[str, Any]:
    plan = attempt.plan
    return metadata(
        trial_pod(plan.trial, attempt=plan.attempt),
        study=study.ref,
        owned_by=attempt.trial,
        labels={
            **study.labels,
            ROLE_LABEL: TRIAL_ROLE,
            TRIAL_LABEL: plan.trial,
            ATTEMPT_LABEL: str(plan.attempt),
        },
        annotations={
            PLAN: plan_to_json(plan),
            COMMAND: "",
            BOUND: attempt.bound,
            **({HOLD: f"{attempt.hold_seconds:g}"} if attempt.hold_seconds else {}),
        },
    )


def _spec(attempt: Attempt, *, settings: Settings) -> dict[str, Any]:
    offer = attempt.instance_type
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "shareProcessNamespace": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": pod_security(),
        "initContainers": [_agent(settings)],
        "containers": [_stage(attempt)],
        "volumes": [
            {"name": "tuner", "emptyDir": {}},
            {"name": "tuner-agent-tmp", "emptyDir": {}},
            {"name": "tuner-shm", "emptyDir": {"medium": "Memory"}},
            store_volume(settings.store_secret),
            {
                "name": "tuner-pod",
                "downwardAPI": {"items": [_file(path, note) for path, note in _told(attempt)]},
            },
        ],
    }
    if settings.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    if offer.node_selector:
        spec["nodeSelector"] = dict(offer.node_selector)
    if offer.tolerations:
        spec["tolerations"] = [dump(one) for one in offer.tolerations]
    if attempt.deadline_seconds is not None:
        seconds = max(1, min(LONGEST_SECONDS, int(attempt.deadline_seconds)))
        spec["activeDeadlineSeconds"] = seconds
    return spec


def _told(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    """The annotations that the agent sees, by the name of the file."""
    shown = (("plan", PLAN), ("command", COMMAND))
    return (*shown, ("hold", HOLD)) if attempt.hold_seconds else shown


def _file(path: str, annotation: str) -> dict[str, Any]:
    return {"path": path, "fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}


def _agent(settings: Settings) -> dict[str, Any]:
    return {
        "name": AGENT,
        **own_image(settings.agent_image, pull_policy=settings.pull_policy),
        "command": ["python", "-m", "tuner.agent"],
        "restartPolicy": "Always",
        "env": [{"name": "TUNER_STORE", "value": settings.store.replace("$(", "$$(")}],
        "securityContext": container_security(read_only=True),
        "resources": {"requests": _AGENT_REQUESTS, "limits": _AGENT_LIMITS},
        "volumeMounts": [
            {"name": "tuner", "mountPath": POD_BASE},
            {"name": "tuner-agent-tmp", "mountPath": "/tmp"},
            {"name": "tuner-pod", "mountPath": POD_FOLDER, "readOnly": True},
            store_mount(),
        ],
    }


def _stage(attempt: Attempt) -> dict[str, Any]:
    resources = {
        name: str(amount) for name, amount in (attempt.instance_type.resources or {}).items()
    }
    stage: dict[str, Any] = {
        "name": STAGE,
        "image": attempt.run.image,
        "command": runner_command(),
        "env": [
            {"name": "HOME", "value": f"{POD_BASE}/home"},
            {"name": "TMPDIR", "value": f"{POD_BASE}/tmp"},
            {"name": "USER", "value": "tuner"},
            {"name": "LOGNAME", "value": "tuner"},
        ],
        "securityContext": container_security(read_only=False),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tuner", "mountPath": POD_BASE},
            {"name": "tuner-shm", "mountPath": "/dev/shm"},
        ],
    }
    if resources:
        stage["resources"] = {"requests": resources, "limits": dict(resources)}
    return stage
