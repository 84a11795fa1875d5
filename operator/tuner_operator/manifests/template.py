"""What a study's podTemplate adds to a pod that we built; ours wins where safety rests on it."""

from __future__ import annotations

from typing import Any

from tuner.spec.pod import PodTemplate
from tuner_operator.manifests.parts import dump
from tuner_operator.names import is_reserved_volume

_APPENDED = ("imagePullSecrets", "tolerations", "volumes", "resourceClaims")
_TAKEN = ("serviceAccountName", "priorityClassName", "runtimeClassName", "schedulerName")
_CONTAINER_LISTS = ("env", "envFrom", "volumeMounts")


def merge_template(
    pod: dict[str, Any], template: PodTemplate | None, *, container: str, code: bool = True
) -> None:
    """Adds the template to the pod, in place.

    Args:
        pod: The manifest of a pod.
        template: What the study asks for.
        container: The name of the container that the template shapes.
        code: Whether it may shape what the container runs: variables, volumes. Not where the
            container holds the store's credentials.
    """
    if template is None:
        return
    extra = dump(template)
    if not code:
        extra = _without_code(extra)
    _merge_metadata(pod["metadata"], extra.get("metadata") or {})
    _merge_spec(pod["spec"], extra.get("spec") or {}, container=container)


def _without_code(extra: dict[str, Any]) -> dict[str, Any]:
    spec = {key: value for key, value in (extra.get("spec") or {}).items() if key != "volumes"}
    spec["containers"] = [
        {key: value for key, value in one.items() if key not in _CONTAINER_LISTS}
        for one in spec.get("containers") or ()
    ]
    return {**extra, "spec": spec}


def _merge_metadata(meta: dict[str, Any], extra: dict[str, Any]) -> None:
    for key in ("labels", "annotations"):
        if extra.get(key):
            meta[key] = {**extra[key], **meta.get(key, {})}


def _merge_spec(spec: dict[str, Any], extra: dict[str, Any], *, container: str) -> None:
    for key in _APPENDED:
        if extra.get(key):
            spec[key] = [*spec.get(key, ()), *extra[key]]
    for key in _TAKEN:
        if key in extra:
            spec[key] = extra[key]
    if extra.get("nodeSelector"):
        spec["nodeSelector"] = {**extra["nodeSelector"], **spec.get("nodeSelector", {})}
    if extra.get("securityContext"):
        spec["securityContext"] = _security(spec["securityContext"], extra["securityContext"])
    if "terminationGracePeriodSeconds" in extra:
        spec["terminationGracePeriodSeconds"] = extra["terminationGracePeriodSeconds"]
    ours = next(one for one in spec["containers"] if one["name"] == container)
    for asked in extra.get("containers") or ():
        _merge_container(ours, asked)


def _security(ours: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {**ours, **asked}
    if asked.get("runAsUser") == 0 and "runAsNonRoot" not in asked:
        # The namespace's pod security standard decides whether root may run.
        merged["runAsNonRoot"] = False
    return merged


def _merge_container(ours: dict[str, Any], asked: dict[str, Any]) -> None:
    if asked.get("volumeMounts"):
        mounts = [one for one in asked["volumeMounts"] if not is_reserved_volume(one["name"])]
        taken = {one["mountPath"].rstrip("/") for one in mounts}
        kept = [one for one in ours["volumeMounts"] if not _gives_way(one, taken)]
        ours["volumeMounts"] = [*mounts, *kept]
    for key in ("env", "envFrom"):
        if asked.get(key):
            ours[key] = [*asked[key], *ours.get(key, ())]
    if asked.get("resources"):
        ours["resources"] = _resources(ours.get("resources", {}), asked["resources"])
    if asked.get("securityContext"):
        ours["securityContext"] = {**ours["securityContext"], **asked["securityContext"]}
    if "imagePullPolicy" in asked:
        ours["imagePullPolicy"] = asked["imagePullPolicy"]


def _resources(ours: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {
        key: {**ours.get(key, {}), **asked.get(key, {})}
        for key in ("requests", "limits")
        if ours.get(key) or asked.get(key)
    }
    if asked.get("claims"):
        merged["claims"] = asked["claims"]
    return merged


def _gives_way(mount: dict[str, Any], taken: set[str]) -> bool:
    """Whoever brings a /dev/shm of their own gets it; nothing else of ours is given up."""
    return mount["mountPath"] == "/dev/shm" and "/dev/shm" in taken
