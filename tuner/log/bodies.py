"""Bodies of records: JSON objects with finite numbers, a version and a limit of size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import cast

from tuner.errors import LogError, ObjectCorrupt

VERSION = 1
MAX_BODY_BYTES = 1 << 20

BUNDLE = "bundle"
"""The kind of an object that holds several records, written at once."""

LogicalId = tuple[str, str, int, str]
"""Kind, trial, attempt and part: what makes two writes the same record."""


def encode_body(body: Mapping[str, object]) -> bytes:
    """The body as JSON with `"v": 1`. Raises LogError if it is not finite, plain or small."""
    try:
        text = json.dumps(
            {**body, "v": VERSION}, allow_nan=False, separators=(",", ":"), sort_keys=True
        )
        data = text.encode()
    except (TypeError, ValueError) as error:
        raise LogError(f"not a body of a record: {error}") from error
    if len(data) > MAX_BODY_BYTES:
        raise LogError(f"a body of {len(data)} bytes, more than {MAX_BODY_BYTES}")
    return data


def decode_body(data: bytes, *, key: str) -> Mapping[str, object]:
    """The reverse of `encode_body`, without the version. Raises ObjectCorrupt."""
    try:
        document = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ObjectCorrupt(f"{key}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.pop("v", None), int):
        raise ObjectCorrupt(f"{key}: not a JSON object with a version")
    return cast("Mapping[str, object]", document)


def encode_bundle(records: Iterable[tuple[LogicalId, Mapping[str, object]]]) -> tuple[str, bytes]:
    """Several records as one body, and the part of its key: bundles that differ are two records.

    Raises LogError as `encode_body` does.
    """
    data = encode_body({"records": [[*identity, dict(body)] for identity, body in records]})
    return blake2b(data, digest_size=10).hexdigest(), data


def bundled(body: Mapping[str, object]) -> list[tuple[str, str, int, str, dict[str, object]]]:
    """The records of a bundle: kind, trial, attempt, part and body. Raises ObjectCorrupt."""
    rows = body.get("records")
    found = []
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, list) or tuple(map(type, row)) != _ROW:
            raise ObjectCorrupt("not a record in a bundle")
        row[4].pop("v", None)
        found.append(tuple(row))
    return found


_ROW = (str, str, int, str, dict)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
