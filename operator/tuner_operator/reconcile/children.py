"""What a study owns besides trials: workers, and what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.instance_type import InstanceTypeSpec
from tuner_operator.actions import Action, Create, Delete, Ref, Replace
from tuner_operator.conditions import Finding
from tuner_operator.manifests.workers import (
    config_map,
    role_binding,
    service_account,
    worker_manifest,
)
from tuner_operator.names import SPEC_HASH, Object, annotations_of, worker_pod
from tuner_operator.observed import Observed
from tuner_operator.reconcile.money import worker_count


def wanted_workers(observed: Observed, *, active: bool) -> int:
    """How many workers there should be."""
    spec = observed.study.spec
    if spec is None or not active or spec.suspend:
        return 0
    return worker_count(spec)


def child_actions(
    observed: Observed, *, count: int, types: Mapping[str, tuple[str, ...]]
) -> tuple[Action, ...]:
    """What makes the study's children as they should be; without workers nothing is made."""
    actions = list(_workers_away(observed, count=count))
    if count:
        actions += _shared(observed, types=types)
        actions += _workers_there(observed, count=count)
    return tuple(actions)


def workers_ready(observed: Observed, *, count: int) -> Finding:
    """The condition WorkersReady."""
    ready = sum(
        _is_ready(observed.children.get(("Pod", worker_pod(observed.study.ref.name, ordinal=i))))
        for i in range(count)
    )
    if not count:
        return Finding(
            words.WORKERS_READY, ConditionStatus.FALSE, "NotNeeded", "nothing is to be proposed"
        )
    status = ConditionStatus.TRUE if ready == count else ConditionStatus.FALSE
    reason = "Running" if ready == count else "Starting"
    return Finding(words.WORKERS_READY, status, reason, f"{ready} of {count} workers run")


def _shared(observed: Observed, *, types: Mapping[str, tuple[str, ...]]) -> Iterator[Action]:
    used = sorted({name for names in types.values() for name in names})
    specs: dict[str, InstanceTypeSpec] = {
        name: _with_wear(observed, name) for name in used if name in observed.instance_types
    }
    for manifest in _account(observed):
        if _child(observed, manifest) is None:
            yield Create(manifest)
    data = config_map(observed.study, types=types, specs=specs)
    there = _child(observed, data)
    if there is None:
        yield Create(data)
    elif there.get("data") != data["data"]:
        yield Replace(_ref(observed, there, kind="ConfigMap"), data)


def _with_wear(observed: Observed, name: str) -> InstanceTypeSpec:
    """The type with what was observed of its preemptions in place of what was expected."""
    spec, status = observed.instance_types[name], observed.type_status.get(name)
    rate = None if status is None else status.preempted_seconds_per_hour
    if rate is None:
        return spec
    return spec.model_copy(update={"preempted_seconds_per_hour": rate})


def _account(observed: Observed) -> tuple[Object, ...]:
    """Who the workers are; nothing to make where the study names an account that is there."""
    spec = observed.study.spec
    template = None if spec is None else spec.workers.pod_template
    if template is not None and template.spec is not None and template.spec.service_account_name:
        return ()
    return service_account(observed.study), role_binding(observed.study)


def _workers_there(observed: Observed, *, count: int) -> Iterator[Action]:
    for ordinal in range(count):
        manifest = worker_manifest(
            observed.study, ordinal=ordinal, count=count, settings=observed.settings
        )
        there = _child(observed, manifest)
        if there is None:
            yield Create(manifest)
        elif _is_outdated(there, manifest) and not there["metadata"].get("deletionTimestamp"):
            yield Delete(_ref(observed, there, kind="Pod"))


def _workers_away(observed: Observed, *, count: int) -> Iterator[Action]:
    study = observed.study.ref.name
    keep = {worker_pod(study, ordinal=ordinal) for ordinal in range(count)}
    for (kind, name), there in observed.children.items():
        leaving = there["metadata"].get("deletionTimestamp")
        if kind == "Pod" and name not in keep and not leaving:
            yield Delete(_ref(observed, there, kind="Pod"))


def _is_outdated(there: Object, manifest: Object) -> bool:
    phase = (there.get("status") or {}).get("phase")
    mark = annotations_of(manifest)[SPEC_HASH]
    return phase in ("Failed", "Succeeded") or annotations_of(there).get(SPEC_HASH) != mark


def _is_ready(pod: Object | None) -> bool:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _child(observed: Observed, manifest: Object) -> Object | None:
    return observed.children.get((manifest["kind"], manifest["metadata"]["name"]))


def _ref(observed: Observed, there: Object, *, kind: str) -> Ref:
    meta = there["metadata"]
    return Ref(
        kind=kind,
        namespace=observed.study.ref.namespace,
        name=meta["name"],
        uid=meta.get("uid", ""),
        version=meta.get("resourceVersion", ""),
    )
