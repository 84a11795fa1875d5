"""From objects in memory to the frozen views of one reconciliation; parsed once a version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, TypeVar

from pydantic import ValidationError

from tuner.spec.instance_type import InstanceTypeSpec, InstanceTypeStatus
from tuner.spec.status import TuningStudyStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrialSpec, TuningTrialStatus
from tuner_operator import moments
from tuner_operator.memory import Memory, StudyKey, ref_of
from tuner_operator.names import (
    PROMOTED,
    ROLE_LABEL,
    TRIAL_ROLE,
    Object,
    annotations_of,
    labels_of,
    owner_uid,
)
from tuner_operator.node_facts import NodeFacts, read_node
from tuner_operator.observed import StudyView, TrialView, TypeUse
from tuner_operator.pod_facts import PodFacts, read_pod
from tuner_operator.reconcile.flight import current_segment
from tuner_operator.type_use import summed, use_of

T = TypeVar("T")
_CHILDREN = ("ServiceAccount", "RoleBinding", "ConfigMap")


class Views:
    """Parses objects, remembering what it parsed by kind, place and version."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._parsed: dict[tuple[str, str, str], tuple[str, Any]] = {}
        self._usage: dict[StudyKey, Mapping[str, TypeUse]] = {}

    def study(self, key: StudyKey) -> StudyView | None:
        """The study, if it exists."""
        obj = self._memory.get("TuningStudy", *key)
        return None if obj is None else self._cached(obj, _study)

    def trials(self, key: StudyKey) -> dict[str, TrialView]:
        """The study's trials, those that were deleted included until they are settled."""
        found: dict[str, TrialView] = {}
        for obj, gone in self._memory.of_study("TuningTrial", key):
            trial: TrialView = _trial(obj, gone=True) if gone else self._cached(obj, _trial)
            found[trial.name] = trial
        return found

    def pods(self, key: StudyKey, *, trials: Mapping[str, TrialView]) -> dict[str, PodFacts]:
        """Facts of the study's trial pods; vanished ones while their attempt has no end."""
        found: dict[str, PodFacts] = {}
        for obj, gone in self._memory.of_study("Pod", key):
            if labels_of(obj).get(ROLE_LABEL) != TRIAL_ROLE:
                continue
            facts = read_pod(obj, gone=True) if gone else self._cached(obj, read_pod)
            if gone and not _is_missed(facts, trials.get(facts.trial)):
                self._memory.forget(ref_of(obj))
                continue
            found[facts.name] = facts
        return found

    def children(self, key: StudyKey, *, uid: str) -> dict[tuple[str, str], Object]:
        """The study's other objects by kind and name."""
        found: dict[tuple[str, str], Object] = {}
        for kind in (*_CHILDREN, "Pod"):
            for obj, gone in self._memory.of_study(kind, key):
                if not gone and owner_uid(obj) == uid:
                    found[kind, obj["metadata"]["name"]] = obj
        return found

    def instance_types(self) -> dict[str, InstanceTypeSpec]:
        """Every instance type that can be read."""
        return {name: spec for name, (spec, _) in self._types()}

    def type_status(self) -> dict[str, InstanceTypeStatus]:
        """The status of every instance type that can be read."""
        return {name: status for name, (_, status) in self._types()}

    def nodes(self) -> list[NodeFacts]:
        """Every node."""
        return [self._cached(one, read_node) for one in self._memory.all("Node")]

    def type_usage(self, *, but: StudyKey | None = None) -> Counter[str]:
        """How many trials run on each type, one study's left out."""
        usage: Counter[str] = Counter()
        for key in self._memory.studies():
            if key != but:
                usage.update({name: one.running for name, one in self._usage_of(key).items()})
        return usage

    def type_use(self) -> Mapping[str, TypeUse]:
        """How the trials of all studies use each type."""
        return summed(self._usage_of(key) for key in self._memory.studies())

    def touch(self, key: StudyKey) -> None:
        """Says that something of a study changed."""
        self._usage.pop(key, None)

    def _usage_of(self, key: StudyKey) -> Mapping[str, TypeUse]:
        known = self._usage.get(key)
        if known is None:
            trials = self.trials(key)
            known = use_of(trials.values(), pods=self.pods(key, trials=trials))
            self._usage[key] = known
        return known

    def _types(self) -> Iterator[tuple[str, tuple[InstanceTypeSpec, InstanceTypeStatus]]]:
        for obj in self._memory.all("InstanceType"):
            parsed = self._cached(obj, _instance_type)
            if parsed is not None:
                yield obj["metadata"]["name"], parsed

    def _cached(self, obj: Object, parse: Any) -> Any:
        meta = obj["metadata"]
        place = (obj["kind"], meta.get("namespace", ""), meta["name"])
        version = f"{meta.get('uid')}/{meta.get('resourceVersion')}"
        known = self._parsed.get(place)
        if known is None or known[0] != version:
            known = (version, parse(obj))
            self._parsed[place] = known
        return known[1]

    def prune(self) -> None:
        """Drops what was parsed of objects that are gone."""
        for kind, namespace, name in tuple(self._parsed):
            if self._memory.get(kind, namespace, name) is None:
                del self._parsed[kind, namespace, name]


def _is_missed(pod: PodFacts, trial: TrialView | None) -> bool:
    if trial is None or trial.ref.uid != pod.trial_uid:
        return False
    segment = current_segment(trial.status)
    return segment is not None and segment.attempt == pod.attempt and segment.end_time is None


def _study(obj: Object) -> StudyView:
    meta = obj["metadata"]
    spec, problem = _read(TuningStudySpec, obj.get("spec") or {})
    status, _ = _read(TuningStudyStatus, obj.get("status") or {})
    return StudyView(
        ref=ref_of(obj),
        spec=spec,
        status=status or TuningStudyStatus(),
        generation=int(meta.get("generation", 0)),
        created=moments.parse(meta.get("creationTimestamp")) or 0.0,
        labels=dict(labels_of(obj)),
        deleting=bool(meta.get("deletionTimestamp")),
        problem=problem,
    )


def _trial(obj: Object, *, gone: bool = False) -> TrialView:
    meta = obj["metadata"]
    spec, problem = _read(TuningTrialSpec, obj.get("spec") or {})
    status, _ = _read(TuningTrialStatus, obj.get("status") or {})
    return TrialView(
        ref=ref_of(obj),
        spec=spec,
        status=status or TuningTrialStatus(),
        generation=int(meta.get("generation", 0)),
        created=moments.parse(meta.get("creationTimestamp")) or 0.0,
        owner_uid=owner_uid(obj) or "",
        gone=gone,
        deleting=bool(meta.get("deletionTimestamp")),
        problem=problem,
        promoted=_promoted(annotations_of(obj).get(PROMOTED, "")),
    )


def _promoted(level: str) -> float:
    """The rung that the annotation names; anybody who may change trials can write it."""
    try:
        value = float(level or 0.0)
    except ValueError:
        return 0.0
    return value if isfinite(value) else 0.0


def _instance_type(obj: Object) -> tuple[InstanceTypeSpec, InstanceTypeStatus] | None:
    spec: InstanceTypeSpec | None = _read(InstanceTypeSpec, obj.get("spec") or {})[0]
    status: InstanceTypeStatus | None = _read(InstanceTypeStatus, obj.get("status") or {})[0]
    return None if spec is None else (spec, status or InstanceTypeStatus())


def _read(model: Any, data: Mapping[str, Any]) -> tuple[Any, str]:
    try:
        return model.model_validate(data), ""
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"{where}: {first['msg']}"
