"""Worker pods of a study, and the account and data that they need."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tuner.spec.instance_type import InstanceTypeSpec
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
    ROLE_LABEL,
    SPEC_HASH,
    WORKER,
    WORKER_CLUSTER_ROLE,
    WORKER_ROLE,
    worker_account,
    worker_pod,
)
from tuner_operator.observed import StudyView
from tuner_operator.settings import Settings

STUDY_FOLDER = "/etc/tuner/study"


def service_account(study: StudyView) -> dict[str, Any]:
    """The identity of a study's workers."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _shared_metadata(study),
        "automountServiceAccountToken": False,
    }


def role_binding(study: StudyView) -> dict[str, Any]:
    """Lets the workers propose trials in their namespace, and no more."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _shared_metadata(study),
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": WORKER_CLUSTER_ROLE,
        },
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": worker_account(study.ref.name),
                "namespace": study.ref.namespace,
            }
        ],
    }


def config_map(
    study: StudyView,
    *,
    types: Mapping[str, tuple[str, ...]],
    specs: Mapping[str, InstanceTypeSpec],
) -> dict[str, Any]:
    """The instance types as resolved: workers read no cluster-scoped kind."""
    described = {name: dump(spec) for name, spec in specs.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _shared_metadata(study),
        "data": {
            "instance-types.json": json.dumps(described, sort_keys=True),
            "stages.json": json.dumps({name: list(names) for name, names in types.items()}),
        },
    }


def worker_manifest(
    study: StudyView, *, ordinal: int, count: int, settings: Settings
) -> dict[str, Any]:
    """The pod of one worker, marked with the hash of what it was made from."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(
            worker_pod(study.ref.name, ordinal=ordinal),
            study=study.ref,
            owned_by=study.ref,
            labels={**study.labels, ROLE_LABEL: WORKER_ROLE},
        ),
        "spec": _spec(study, ordinal=ordinal, count=count, settings=settings),
    }
    if study.spec is not None:
        merge_template(pod, study.spec.workers.pod_template, container=WORKER, code=False)
    text = json.dumps(pod, sort_keys=True)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    pod["metadata"].setdefault("annotations", {})[SPEC_HASH] = mark
    return pod


def _spec(study: StudyView, *, ordinal: int, count: int, settings: Settings) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Always",
        "serviceAccountName": worker_account(study.ref.name),
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": pod_security(),
        "containers": [_container(study, ordinal=ordinal, count=count, settings=settings)],
        "volumes": [
            {"name": "tuner-tmp", "emptyDir": {}},
            {"name": "tuner-study", "configMap": {"name": worker_account(study.ref.name)}},
            store_volume(settings.store_secret),
        ],
    }
    if settings.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    return spec


def _container(study: StudyView, *, ordinal: int, count: int, settings: Settings) -> dict[str, Any]:
    env = {
        "TUNER_STUDY": study.ref.name,
        "TUNER_STUDY_UID": study.ref.uid,
        "TUNER_NAMESPACE": study.ref.namespace,
        "TUNER_WORKER": str(ordinal),
        "TUNER_WORKERS": str(count),
        "TUNER_STORE": settings.store.replace("$(", "$$("),
        "HOME": "/tmp",
        # A proposal is small work: more threads would only wait for each other, and what they add
        # up would depend on how many there are.
        "OPENBLAS_NUM_THREADS": "1",
    }
    return {
        "name": WORKER,
        **own_image(settings.worker_image, pull_policy=settings.pull_policy),
        "command": ["python", "-m", "tuner.worker"],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "securityContext": container_security(read_only=True),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        "volumeMounts": [
            {"name": "tuner-tmp", "mountPath": "/tmp"},
            {"name": "tuner-study", "mountPath": STUDY_FOLDER, "readOnly": True},
            store_mount(),
        ],
    }


def _shared_metadata(study: StudyView) -> dict[str, Any]:
    return metadata(worker_account(study.ref.name), study=study.ref, owned_by=study.ref, labels={})
