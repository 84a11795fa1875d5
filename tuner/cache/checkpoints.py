"""Checkpoints of stages, for resuming: the last two of each are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner.artifacts import ArtifactStore, Patience, validate_key
from tuner.cache.blobs import BlobRef, Blobs
from tuner.cache.checkpoint import (
    MAX_CHECKPOINT_BYTES,
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
)
from tuner.cache.packing import Limits
from tuner.errors import ArtifactError, ObjectCorrupt, ObjectMissing, ObjectTooLarge

KEPT = 2

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"(?P<attempt>[0-9]{6})-(?P<sequence>[0-9]{9})\.json")


class CheckpointStore:
    """Saves and restores the checkpoints of a study's trials.

    A checkpoint is replaced by the next, so a trial's newest is what counts: the highest attempt,
    then the highest sequence. Facts are written after the content: what is found is whole.

    Args:
        store: Where the objects are.
        prefix: The study's: `studies/<namespace>/<study>.<uid>`.
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

    def save(
        self,
        trial: str,
        stage: str,
        *,
        attempt: int,
        sequence: int,
        folder: Path,
        fidelity: float,
        facts: Mapping[str, object] | None = None,
        beneath: Path | None = None,
    ) -> Checkpoint:
        """Stores a folder as a checkpoint and removes all but the last two of the stage.

        Args:
            trial: The trial's name.
            stage: The stage's name.
            attempt: Which pod of the trial.
            sequence: Counts the checkpoints of that attempt, from 0.
            folder: What to store.
            fidelity: Fidelity done.
            facts: What else to know when going on; JSON, at most 64 KB.
            beneath: The deepest trusted part of the folder's path; see `pack`.

        Raises ArtifactError if the folder cannot be one, StoreError if the store fails.
        """
        name = self._folder(trial, stage) + _name(attempt, sequence)
        packed = self._blobs.upload(folder, beneath=beneath, key=lambda _: f"{name}.tar")
        checkpoint = Checkpoint(
            attempt=attempt,
            sequence=sequence,
            fidelity=fidelity,
            digest=packed.digest,
            size_bytes=packed.size_bytes,
            created=self._store.now(),
            facts=facts or {},
        )
        data = encode_checkpoint(checkpoint)
        self._patience.call(lambda: self._store.put(f"{name}.json", data))
        self._patience.call(lambda: self._prune(trial, stage))
        return checkpoint

    def latest(self, trial: str, stage: str) -> Checkpoint | None:
        """The newest checkpoint whose content exists in the right size, or None."""
        return self._patience.call(lambda: next(self._valid(trial, stage), None))

    def restore(
        self, trial: str, stage: str, *, folder: Path, beneath: Path | None = None
    ) -> Checkpoint | None:
        """Puts the newest whole checkpoint into `folder`, missing or empty; None without one.

        One whose digest differs is passed over for the one before it.
        """
        valid = self._patience.call(lambda: list(self._valid(trial, stage)))
        for checkpoint in valid:
            try:
                blob = self._blob(trial, stage, checkpoint)
                self._blobs.restore(blob, folder, beneath=beneath)
            except (ObjectMissing, ObjectCorrupt):
                continue
            return checkpoint
        return None

    def delete(self, trial: str, stage: str | None = None) -> None:
        """Removes the checkpoints of a trial, or of one stage of it."""
        folder = self._folder(trial, stage) if stage else self._trial(trial)
        self._patience.call(
            lambda: self._store.delete([info.key for info in self._store.list(folder)])
        )

    def _valid(self, trial: str, stage: str) -> Iterator[Checkpoint]:
        for name in self._names(trial, stage):
            checkpoint = self._facts(self._folder(trial, stage) + name)
            if checkpoint is None:
                continue
            blob = self._blob(trial, stage, checkpoint)
            found = self._store.stat(blob.key)
            if found is not None and found.size_bytes == blob.size_bytes:
                yield checkpoint

    def _names(self, trial: str, stage: str) -> list[str]:
        """Names of facts, newest first."""
        folder = self._folder(trial, stage)
        names = (info.key.removeprefix(folder) for info in self._store.list(folder))
        return sorted((name for name in names if _NAME.fullmatch(name)), reverse=True)

    def _facts(self, key: str) -> Checkpoint | None:
        try:
            return decode_checkpoint(self._store.get(key, max_bytes=MAX_CHECKPOINT_BYTES), name=key)
        except (ObjectMissing, ObjectCorrupt, ObjectTooLarge):
            return None

    def _prune(self, trial: str, stage: str) -> None:
        kept = self._names(trial, stage)[:KEPT]
        if len(kept) < KEPT:
            return
        folder = self._folder(trial, stage)
        oldest = folder + kept[-1].removesuffix(".json")
        # What a killed writer left without facts is older as well, and goes too.
        old = [info.key for info in self._store.list(folder) if info.key < oldest]
        # Facts first: what is found is whole.
        self._store.delete([key for key in old if key.endswith(".json")])
        self._store.delete([key for key in old if not key.endswith(".json")])

    def _blob(self, trial: str, stage: str, checkpoint: Checkpoint) -> BlobRef:
        name = _name(checkpoint.attempt, checkpoint.sequence)
        return BlobRef(
            key=f"{self._folder(trial, stage)}{name}.tar",
            digest=checkpoint.digest,
            size_bytes=checkpoint.size_bytes,
        )

    def _trial(self, trial: str) -> str:
        return f"{self._prefix}/checkpoints/{_label(trial)}/"

    def _folder(self, trial: str, stage: str) -> str:
        return f"{self._trial(trial)}{_label(stage)}/"


def _name(attempt: int, sequence: int) -> str:
    name = f"{attempt:06d}-{sequence:09d}"
    if not _NAME.fullmatch(f"{name}.json"):
        raise ArtifactError(f"not an attempt and sequence: {attempt}, {sequence}")
    return name


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ArtifactError(f"not a DNS label: {text[:80]!r}")
    return text
