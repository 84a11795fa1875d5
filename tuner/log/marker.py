"""A study's marker, the heartbeats of its trials, and the catalogue of studies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import LogError, ObjectCorrupt, ObjectMissing
from tuner.log.bodies import MAX_BODY_BYTES, decode_body, encode_body
from tuner.log.keys import label, parse_study_folder, study_prefix

MARKER = "study.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life of a trial's agent.

    Attributes:
        attempt: Which pod of the trial.
        time: Seconds since the epoch, store's clock.
    """

    attempt: int
    time: float


class Heartbeats:
    """The only objects of a study that are written over."""

    def __init__(self, store: ArtifactStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def put(self, trial: str, *, attempt: int) -> None:
        """Says that this attempt is alive now. Not repeated: the next one comes soon."""
        body = {"attempt": attempt, "time": self._store.now()}
        self._store.put(self._key(trial), encode_body(body))

    def get(self, trial: str) -> Heartbeat | None:
        """The last sign of life, or None."""
        key = self._key(trial)
        try:
            body = decode_body(self._store.get(key, max_bytes=MAX_BODY_BYTES), key=key)
        except ObjectMissing:
            return None
        match body:
            case {"attempt": int(attempt), "time": float(time) | int(time)}:
                return Heartbeat(attempt=attempt, time=float(time))
        raise ObjectCorrupt(f"{key}: not a heartbeat")

    def _key(self, trial: str) -> str:
        return f"{self._prefix}/heartbeats/{label(trial)}.json"


class Marker:
    """`study.json`: what a study is, for those who find its objects (uid, name, policy, spec)."""

    def __init__(self, store: ArtifactStore, prefix: str, *, patience: Patience) -> None:
        self._store = store
        self._key = f"{prefix}/{MARKER}"
        self._patience = patience

    def put(self, body: Mapping[str, object]) -> None:
        """Writes the marker; a study's first object."""
        data = encode_body(body)
        self._patience.call(lambda: self._store.put(self._key, data))

    def get(self) -> Mapping[str, object] | None:
        """The marker, or None."""
        try:
            data = self._patience.call(lambda: self._store.get(self._key, max_bytes=MAX_BODY_BYTES))
        except ObjectMissing:
            return None
        return decode_body(data, key=self._key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A study that has objects in the store."""

    namespace: str
    study: str
    uid: str

    @property
    def prefix(self) -> str:
        """Where its objects are."""
        return study_prefix(self.namespace, self.study, uid=self.uid)


def namespaces(store: ArtifactStore) -> list[str]:
    """The namespaces that have studies in the store."""
    return [name for name in store.folders("studies/") if _is_label(name)]


def studies(store: ArtifactStore, namespace: str) -> Iterator[CatalogueEntry]:
    """The studies of a namespace that have objects in the store, by name; one LIST a page.

    A study whose marker is missing is among them: a sweep may have been interrupted.
    """
    for folder in store.folders(f"studies/{label(namespace)}/"):
        found = parse_study_folder(folder)
        if found is not None:
            yield CatalogueEntry(namespace=namespace, study=found[0], uid=found[1])


def _is_label(name: str) -> bool:
    try:
        label(name)
    except LogError:
        return False
    return True
