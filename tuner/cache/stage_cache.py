"""The stage cache of a namespace: used only if it is there and whole, and a miss says why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tuner.artifacts import ArtifactStore, Patience, validate_key
from tuner.cache.blobs import BlobRef, Blobs
from tuner.cache.manifest import (
    MAX_MANIFEST_BYTES,
    Manifest,
    StageFacts,
    decode_manifest,
    encode_manifest,
)
from tuner.cache.nearest import Difference, NearestIndex
from tuner.cache.packing import Limits
from tuner.errors import (
    ArtifactError,
    ObjectCorrupt,
    ObjectMissing,
    ObjectTooLarge,
    StoreError,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MissReason(StrEnum):
    """Why a stage has to run."""

    NEVER_STORED = "never stored"
    OBJECT_MISSING = "artifact object missing"
    SIZE_DIFFERS = "size differs"
    CHECKSUM_DIFFERS = "checksum differs"
    MANIFEST_UNREADABLE = "manifest unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stored artifact whose object exists in the right size; `restore` checks its digest."""

    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """No artifact to use, and why; `str` is a sentence for people."""

    reason: MissReason
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        if not self.differences:
            return str(self.reason)
        return f"{self.reason}: {', '.join(map(str, self.differences))}"


class StageCache:
    """Artifacts of stages by stage key, shared by the studies of a namespace.

    Content-addressed and written manifest last: concurrent writers of one key are harmless, and a
    writer that dies leaves nothing that is found.

    Args:
        store: Where the objects are.
        prefix: `cache/<namespace>`.
        scratch: A folder for one tar file at a time; the system's temporary one by default.
        limits: What is too large.
        patience: How long a call outlasts an unreachable store.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        *,
        scratch: Path | None = None,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._prefix = validate_key(prefix)
        self._patience = patience or Patience(seconds=0)
        self._blobs = Blobs(store, scratch=scratch, limits=limits, patience=self._patience)
        self._index = NearestIndex(store, self._prefix)

    def lookup(
        self, key: str, *, stage: str = "", components: Mapping[str, str] | None = None
    ) -> Hit | Miss:
        """Looks for an artifact of a stage key; nothing but its digest is left unchecked.

        With `stage` and `components` a key that was never stored is compared with earlier ones.
        """
        return self._patience.call(lambda: self._lookup(key, stage, components or {}))

    def keys(self) -> frozenset[str]:
        """The stage keys that something was stored under, verified or not; one LIST a page.

        Raises StoreError.
        """
        prefix = f"{self._prefix}/stages/"
        return self._patience.call(lambda: frozenset(self._store.folders(prefix)))

    def store(
        self, key: str, folder: Path, *, facts: StageFacts, beneath: Path | None = None
    ) -> Manifest:
        """Stores `folder` as the artifact of a stage key.

        Args:
            key: The stage key, sha256 hex.
            folder: The stage's output.
            facts: Of the run that made it.
            beneath: The deepest trusted part of the folder's path; see `pack`.

        Raises ArtifactError if the folder cannot be an artifact, StoreError if the store fails.
        """
        name = self._manifests(key)
        packed = self._blobs.upload(
            folder, beneath=beneath, key=lambda packed: self._blob(packed.digest)
        )
        manifest = Manifest(
            key=key,
            digest=packed.digest,
            size_bytes=packed.size_bytes,
            files=packed.files,
            created=self._store.now(),
            facts=facts,
            warnings=packed.warnings,
        )
        data = encode_manifest(manifest)
        self._patience.call(lambda: self._index.add(facts.stage, components=facts.components))
        self._patience.call(lambda: self._store.put(f"{name}{packed.digest}.json", data))
        return manifest

    def restore(self, hit: Hit, folder: Path, *, beneath: Path | None = None) -> Miss | None:
        """Puts an artifact into `folder`, missing or empty; None when it is there.

        A Miss, not an error, if the object is gone or its digest differs; a differing object is
        removed, so that the next run of the stage can store it anew.
        """
        manifest = hit.manifest
        blob = BlobRef(
            key=self._blob(manifest.digest),
            digest=manifest.digest,
            size_bytes=manifest.size_bytes,
        )
        try:
            self._blobs.restore(blob, folder, beneath=beneath)
        except ObjectMissing:
            return Miss(reason=MissReason.OBJECT_MISSING)
        except ObjectCorrupt:
            self._patience.call(lambda: self._store.delete([blob.key]))
            return Miss(reason=MissReason.CHECKSUM_DIFFERS)
        return None

    def nearest_difference(
        self, stage: str, *, components: Mapping[str, str]
    ) -> tuple[Difference, ...]:
        """Which parts of a key differ from the nearest stored one; one LIST and one GET."""
        return self._index.nearest_difference(stage, components=components)

    def _lookup(self, key: str, stage: str, components: Mapping[str, str]) -> Hit | Miss:
        reason = MissReason.NEVER_STORED
        for found in self._candidates(key):
            if isinstance(found, Manifest):
                return Hit(manifest=found)
            reason = found
        if reason is not MissReason.NEVER_STORED or not stage:
            return Miss(reason=reason)
        return Miss(reason=reason, differences=self._differences(stage, components))

    def _candidates(self, key: str) -> Iterator[Manifest | MissReason]:
        prefix = self._manifests(key)
        for info in self._store.list(prefix):
            try:
                data = self._store.get(info.key, max_bytes=MAX_MANIFEST_BYTES)
                manifest = decode_manifest(data, name=info.key)
            except ObjectMissing:
                continue
            except (ObjectCorrupt, ObjectTooLarge):
                yield MissReason.MANIFEST_UNREADABLE
                continue
            yield self._checked(manifest, key=key, name=info.key)

    def _checked(self, manifest: Manifest, *, key: str, name: str) -> Manifest | MissReason:
        if manifest.key != key or name != f"{self._manifests(key)}{manifest.digest}.json":
            return MissReason.MANIFEST_UNREADABLE
        blob = self._store.stat(self._blob(manifest.digest))
        if blob is None:
            return MissReason.OBJECT_MISSING
        return manifest if blob.size_bytes == manifest.size_bytes else MissReason.SIZE_DIFFERS

    def _differences(self, stage: str, components: Mapping[str, str]) -> tuple[Difference, ...]:
        try:
            return self.nearest_difference(stage, components=components)
        except StoreError:
            # An explanation is not worth a failure; the stage runs anyway.
            return ()

    def _manifests(self, key: str) -> str:
        return f"{self._prefix}/stages/{_checked_sha(key)}/"

    def _blob(self, digest: str) -> str:
        return f"{self._prefix}/blobs/{_checked_sha(digest)}.tar"


def _checked_sha(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ArtifactError(f"not a sha256 in hex: {text[:80]!r}")
    return text
