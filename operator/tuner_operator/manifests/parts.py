"""Pieces shared by trial pods and worker pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.spec.base import Model
from tuner.spec.meta import API_VERSION
from tuner_operator.actions import Ref
from tuner_operator.names import MANAGED_BY, STUDY_LABEL

UID = 65532
"""User and group of every container, unless the pod template says otherwise."""

STORE_FOLDER = "/etc/tuner/store"


def dump(model: Model | None) -> dict[str, Any]:
    """A part of a manifest as the API writes it; empty for none."""
    if model is None:
        return {}
    dumped: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def owner(ref: Ref) -> dict[str, Any]:
    """The controller of a child, which does not keep its owner from being deleted."""
    return {
        "apiVersion": API_VERSION,
        "kind": ref.kind,
        "name": ref.name,
        "uid": ref.uid,
        "controller": True,
    }


def metadata(
    name: str,
    *,
    study: Ref,
    owned_by: Ref,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Metadata of a child of a study."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": study.namespace,
        "labels": {**labels, **MANAGED_BY, STUDY_LABEL: study.name},
        "ownerReferences": [owner(owned_by)],
    }
    if annotations:
        meta["annotations"] = dict(annotations)
    return meta


def pod_security() -> dict[str, Any]:
    """The restricted profile; agent and stage share one identity."""
    return {
        "runAsNonRoot": True,
        "runAsUser": UID,
        "runAsGroup": UID,
        "fsGroup": UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(*, read_only: bool) -> dict[str, Any]:
    """The restricted profile of a container."""
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    if read_only:
        context["readOnlyRootFilesystem"] = True
    return context


def store_volume(secret: str) -> dict[str, Any]:
    """The store's credentials, for our containers only."""
    return {"name": "tuner-store", "secret": {"secretName": secret, "defaultMode": 0o440}}


def store_mount() -> dict[str, Any]:
    """Where our containers find them."""
    return {"name": "tuner-store", "mountPath": STORE_FOLDER, "readOnly": True}


def own_image(image: str, *, pull_policy: str) -> dict[str, Any]:
    """An image of this project."""
    return {"image": image, **({"imagePullPolicy": pull_policy} if pull_policy else {})}
