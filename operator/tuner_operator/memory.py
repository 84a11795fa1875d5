"""What the operator has seen of the API server: plain objects, fed by watches and own writes.

A write's answer is put here at once, so a decision never rests on a state older than the operator's
own last action; what a watch brings late is recognised by its version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tuner_operator.actions import Ref
from tuner_operator.names import STUDY_LABEL, Object, labels_of, owner_uid

StudyKey = tuple[str, str]
"""Namespace and name of a study."""

_SLIM = ("managedFields",)
_COMMON = ("InstanceType", "Node")
"""They concern every study."""
_UNWATCHED = ("ServiceAccount", "RoleBinding", "ConfigMap")


class Memory:
    """Objects by kind, namespace and name; trials and pods also by study.

    Args:
        changed: Called with the study that an object concerns, whenever one changes.
        types_changed: Called when an InstanceType or a node changes.
    """

    def __init__(
        self, *, changed: Callable[[StudyKey], None], types_changed: Callable[[], None]
    ) -> None:
        self._objects: dict[str, dict[tuple[str, str], Object]] = defaultdict(dict)
        self._gone: dict[str, dict[tuple[str, str], Object]] = defaultdict(dict)
        self._by_study: dict[tuple[str, StudyKey], set[str]] = defaultdict(set)
        self._deleted_uids: dict[str, None] = {}
        self._changed = changed
        self._types_changed = types_changed

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object, if it exists."""
        return self._objects[kind].get((namespace, name))

    def gone(self, kind: str, namespace: str, name: str) -> Object | None:
        """A deleted trial or pod as it was seen last."""
        return self._gone[kind].get((namespace, name))

    def all(self, kind: str) -> Iterable[Object]:
        """Every object of a kind."""
        return self._objects[kind].values()

    def of_study(self, kind: str, key: StudyKey) -> Iterator[tuple[Object, bool]]:
        """The study's objects of a kind, and whether each is gone."""
        namespace = key[0]
        for name in tuple(self._by_study[kind, key]):
            there = self.get(kind, namespace, name)
            if there is not None:
                yield there, False
                continue
            past = self.gone(kind, namespace, name)
            if past is not None:
                yield past, True

    def put(self, obj: Object) -> None:
        """Takes in an object; an older version than the one known changes nothing."""
        kind, place = obj["kind"], _place(obj)
        uid = obj["metadata"].get("uid", "")
        if uid in self._deleted_uids:
            return
        known = self._objects[kind].get(place)
        if known is not None and known["metadata"].get("uid") == uid:
            if version_of(known) >= version_of(obj):
                return
        elif known is not None:
            self.remove(known)
        new = self._objects[kind][place] = slim(obj)
        past = self._gone[kind].get(place)
        if past is not None and past["metadata"].get("uid") == uid:
            del self._gone[kind][place]
        self._index(obj)
        if known is None or kind not in _COMMON or _matter(known) != _matter(new):
            self._tell(obj)

    def remove(self, obj: Object) -> None:
        """Takes in that an object was deleted; `obj` is what was seen of it last."""
        kind, place = obj["kind"], _place(obj)
        uid = obj["metadata"].get("uid", "")
        self._bury(uid)
        known = self._objects[kind].get(place)
        if known is not None and known["metadata"].get("uid") != uid:
            return
        self._objects[kind].pop(place, None)
        if kind in ("TuningTrial", "Pod"):
            self._gone[kind][place] = slim(obj)
        if kind == "TuningStudy":
            self._drop_study(place)
        self._tell(obj)

    def forget(self, ref: Ref) -> None:
        """Drops what was kept of a deleted object."""
        place = (ref.namespace, ref.name)
        past = self._gone[ref.kind].pop(place, None)
        if past is not None and self.get(ref.kind, *place) is None:
            for key in study_keys(past):
                self._by_study[ref.kind, key].discard(ref.name)

    def relist(self, kind: str, items: Iterable[Object], *, version: int) -> None:
        """Takes in a whole list; what is not in it and is older than it has been deleted."""
        listed = {_place(item): item for item in items}
        for place, known in tuple(self._objects[kind].items()):
            if place not in listed and version_of(known) <= version:
                self.remove(known)
        for item in listed.values():
            self.put(item)

    def doubt_children(self) -> None:
        """Drops the children that no watch covers: they are looked up again when needed."""
        for kind in _UNWATCHED:
            for known in tuple(self._objects[kind].values()):
                del self._objects[kind][_place(known)]

    def studies(self) -> list[StudyKey]:
        """Every study there is."""
        return list(self._objects["TuningStudy"])

    def _index(self, obj: Object) -> None:
        for key in study_keys(obj):
            self._by_study[obj["kind"], key].add(obj["metadata"]["name"])

    def _drop_study(self, key: StudyKey) -> None:
        for kind in ("TuningTrial", "Pod", *_UNWATCHED):
            for name in tuple(self._by_study[kind, key]):
                self._gone[kind].pop((key[0], name), None)
                if kind in _UNWATCHED:
                    self._objects[kind].pop((key[0], name), None)
                if (key[0], name) not in self._objects[kind]:
                    self._by_study[kind, key].discard(name)

    def _bury(self, uid: str) -> None:
        self._deleted_uids[uid] = None
        while len(self._deleted_uids) > 20_000:
            del self._deleted_uids[next(iter(self._deleted_uids))]

    def _tell(self, obj: Object) -> None:
        if obj["kind"] in _COMMON:
            self._types_changed()
        for key in study_keys(obj):
            self._changed(key)


def study_keys(obj: Object) -> Iterator[StudyKey]:
    """The study that an object belongs to; none for those of the cluster."""
    namespace = obj["metadata"].get("namespace", "")
    if obj["kind"] == "TuningStudy":
        yield namespace, obj["metadata"]["name"]
    elif obj["kind"] == "TuningTrial":
        yield namespace, str((obj.get("spec") or {}).get("study", ""))
    elif STUDY_LABEL in labels_of(obj):
        yield namespace, labels_of(obj)[STUDY_LABEL]


def version_of(obj: Object) -> int:
    """The resourceVersion, which grows."""
    text = obj["metadata"].get("resourceVersion", "0")
    return int(text) if text.isdigit() else 0


def slim(obj: Object) -> Object:
    """The object without what nobody here reads."""
    meta: Mapping[str, Any] = {k: v for k, v in obj["metadata"].items() if k not in _SLIM}
    kept = {**obj, "metadata": meta}
    if obj["kind"] == "Pod":
        kept["spec"] = {"nodeName": (obj.get("spec") or {}).get("nodeName")}
    if obj["kind"] == "Node":
        status = obj.get("status") or {}
        kept["status"] = {key: status.get(key) or () for key in ("conditions", "allocatable")}
    return kept


def _matter(obj: Object) -> object:
    """What of a type or a node anybody decides by: neither heartbeats nor how many trials run."""
    meta = obj["metadata"]
    status = dict(obj.get("status") or {})
    status.pop("runningTrials", None)
    if obj["kind"] == "Node":
        status["conditions"] = [
            {key: text for key, text in one.items() if key != "lastHeartbeatTime"}
            for one in status["conditions"]
        ]
    return meta.get("uid"), meta.get("labels"), obj.get("spec"), status


def ref_of(obj: Object) -> Ref:
    """Names the object as it was seen."""
    meta = obj["metadata"]
    return Ref(
        kind=obj["kind"],
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        version=meta.get("resourceVersion", ""),
    )


def same_owner(left: Object, right: Object) -> bool:
    """Whether two objects have the same controller."""
    return owner_uid(left) == owner_uid(right)


def _place(obj: Object) -> tuple[str, str]:
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]
