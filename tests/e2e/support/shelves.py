"""Every object that studies left in a bucket, read as stored: whole, and what it says it is."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Files = Mapping[str, str]
"""Contents of a small artifact by name."""
Content = Callable[[str, Mapping[str, str], Files], str]
"""Stage, components of its key, files: what is wrong with the artifact, else empty."""


def damages(objects: Mapping[str, bytes], *, content: Content) -> list[str]:
    """What of the objects is half written, lacks its other half, or is not what it is called.

    Args:
        objects: By key, of one namespace, below `studies/` and `cache/`.
        content: Looks into the artifacts.
    """
    return [f"{key}: {one}" for key in sorted(objects) for one in _damages(key, objects, content)]


def _damages(key: str, objects: Mapping[str, bytes], content: Content) -> Iterator[str]:
    data, parts = objects[key], key.split("/")
    if key.endswith(".jsonl.gz"):
        yield from _unpacked(data)
    elif key.endswith(".tar"):
        if parts[2] == "blobs" and _sha256(data) != parts[-1].removesuffix(".tar"):
            yield "is not what its digest says"
    elif parts[0] == "studies" and parts[3] == "rungs":
        yield from _rung(parts[-1])
    elif key.endswith(".json"):
        try:
            document = json.loads(data)
        except ValueError as error:
            yield f"cannot be read: {error}"
            return
        if parts[0] == "studies" and parts[3] == "checkpoints":
            tar = objects.get(key.removesuffix(".json") + ".tar")
            yield from _match(document, tar)
        elif parts[0] == "cache" and parts[2] == "stages":
            blob = objects.get(f"cache/{parts[1]}/blobs/{document['digest']}.tar")
            if document["key"] != parts[3]:
                yield f"is the manifest of {document['key']}"
            yield from _match(document, blob)
            facts = document["facts"]
            wrong = blob and content(facts["stage"], facts["components"], _files(blob))
            if wrong:
                yield wrong


def _match(document: Mapping[str, Any], data: bytes | None) -> Iterator[str]:
    if data is None:
        yield "its content is missing"
    elif len(data) != document["size_bytes"] or _sha256(data) != document["digest"]:
        yield "its content is another one"


def _unpacked(data: bytes) -> Iterator[str]:
    try:
        for line in gzip.decompress(data).splitlines():
            json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        yield f"cannot be read: {error}"


def _rung(name: str) -> Iterator[str]:
    text = name.rpartition(".")[2]
    try:
        size = len(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        yield f"has no vector in its name: {error}"
        return
    if not size or size % 8:
        yield f"has a vector of {size} bytes in its name"


def _files(tar: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        found = {}
        for one in archive:
            file = archive.extractfile(one) if one.isfile() else None
            if file is not None:
                found[one.name.removeprefix("./")] = file.read().decode().strip()
        return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
