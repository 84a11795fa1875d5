"""What is known of a stage artifact, as a frozen value with a JSON form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from tuner.errors import ArtifactError, ObjectCorrupt

VERSION = 1
MAX_MANIFEST_BYTES = 1 << 20
MAX_REPORTS = 1000
"""Points of the curve that a stage reported; a longer one is thinned, its last point kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """What the writer of an artifact knows of the run that made it.

    Attributes:
        stage: The stage's name.
        study: The study's name and uid, `<study>.<uid>`.
        trial: The trial's name.
        first_run_seconds: How long the stage ran.
        instance_type: Where it ran.
        price_per_hour: USD, of that type.
        fidelity: Fidelity done, for the stage that has it.
        metrics: What the stage reported, by metric.
        reports: JSON objects `{"metrics": {...}}`: the least and the greatest value of each metric,
            from which objectives follow in either direction. The curve is in the log of the study.
        components: What the stage key was made of, each part as a short text.
    """

    stage: str
    study: str
    trial: str
    first_run_seconds: float
    instance_type: str
    price_per_hour: float
    fidelity: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reports: Sequence[Mapping[str, object]] = ()
    components: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One artifact of one stage key.

    Attributes:
        key: The stage key, sha256 hex.
        digest: sha256 of the blob, hex.
        size_bytes: Of the blob.
        files: Entries in it.
        created: When it was stored; seconds since the epoch, store's clock.
        facts: Of the run that made it.
        warnings: What was left out of it.
    """

    key: str
    digest: str
    size_bytes: int
    files: int
    created: float
    facts: StageFacts
    warnings: tuple[str, ...] = ()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON; a curve that makes it too large is thinned further.

    Raises ArtifactError for numbers that are not finite and facts that are too large.
    """
    document = {"v": VERSION, **asdict(manifest)}
    reports = thinned(manifest.facts.reports, limit=MAX_REPORTS)
    while True:
        document["facts"]["reports"] = reports
        try:
            data = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"facts of an artifact that are not JSON: {error}") from error
        if len(data) <= MAX_MANIFEST_BYTES:
            return data
        if not reports:
            raise ArtifactError(f"facts of an artifact have {len(data)} bytes")
        reports = thinned(reports, limit=len(reports) // 2)


def decode_manifest(data: bytes, *, name: str) -> Manifest:
    """The reverse of `encode_manifest`; fields of later versions are passed over.

    Raises ObjectCorrupt.
    """
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or not isinstance(document["facts"], dict):
            raise ValueError("not a manifest")
        return _manifest(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ObjectCorrupt(f"{name}: {type(error).__name__}: {error}") from error


def thinned(reports: Sequence[Mapping[str, object]], *, limit: int) -> list[Mapping[str, object]]:
    """At most `limit` reports, evenly spread, the last one among them."""
    if len(reports) <= limit:
        return list(reports)
    return [reports[(index + 1) * len(reports) // limit - 1] for index in range(limit)]


def _manifest(document: Mapping[str, object]) -> Manifest:
    facts = cast("Mapping[str, object]", document["facts"])
    return Manifest(
        key=_text(document["key"]),
        digest=_text(document["digest"]),
        size_bytes=_whole(document["size_bytes"]),
        files=_whole(document["files"]),
        created=_number(document["created"]),
        warnings=tuple(map(_text, cast("list[object]", document["warnings"]))),
        facts=StageFacts(
            stage=_text(facts["stage"]),
            study=_text(facts["study"]),
            trial=_text(facts["trial"]),
            first_run_seconds=_number(facts["first_run_seconds"]),
            instance_type=_text(facts["instance_type"]),
            price_per_hour=_number(facts["price_per_hour"]),
            fidelity=None if facts["fidelity"] is None else _number(facts["fidelity"]),
            metrics={name: _number(value) for name, value in _object(facts["metrics"]).items()},
            reports=tuple(map(_object, cast("list[object]", facts["reports"]))),
            components={name: _text(value) for name, value in _object(facts["components"]).items()},
        ),
    )


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"not an object: {value!r:.40}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r:.40}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"not a count: {value!r:.40}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"not a number: {value!r:.40}")
    return float(value)
