"""One checkpoint as a frozen value with a JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tuner.errors import ArtifactError, ObjectCorrupt

VERSION = 1
MAX_CHECKPOINT_BYTES = 64 << 10
"""Of the JSON form; the content is an object of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint of one stage of a trial.

    Attributes:
        attempt: Which pod of the trial wrote it.
        sequence: Counts the checkpoints of that attempt.
        fidelity: Fidelity done when it was written.
        digest: sha256 of the tar file, hex.
        size_bytes: Of the tar file.
        created: Seconds since the epoch, store's clock.
        facts: What else its writer must know to go on; JSON values.
    """

    attempt: int
    sequence: int
    fidelity: float
    digest: str
    size_bytes: int
    created: float
    facts: Mapping[str, object] = field(default_factory=dict)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as JSON. Raises ArtifactError if it is not finite, plain or small."""
    try:
        data = json.dumps({"v": VERSION, **asdict(checkpoint)}, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"facts of a checkpoint that are not JSON: {error}") from error
    if len(data) > MAX_CHECKPOINT_BYTES:
        raise ArtifactError(f"facts of a checkpoint have {len(data)} bytes")
    return data


def decode_checkpoint(data: bytes, *, name: str) -> Checkpoint:
    """The reverse of `encode_checkpoint`. Raises ObjectCorrupt."""
    try:
        document = json.loads(data)
        return Checkpoint(
            attempt=int(document["attempt"]),
            sequence=int(document["sequence"]),
            fidelity=float(document["fidelity"]),
            digest=str(document["digest"]),
            size_bytes=int(document["size_bytes"]),
            created=float(document["created"]),
            facts=dict(document.get("facts", {})),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ObjectCorrupt(f"{name}: {type(error).__name__}: {error}") from error
