"""What may be a key: plain segments between slashes, fit for S3 and for a folder alike."""

from __future__ import annotations

import re

from tuner.errors import StoreError

MAX_KEY_BYTES = 1024
"""S3's limit."""

MAX_SEGMENT_BYTES = 255
"""Of a file name on the usual file systems; MinIO keeps objects as files too."""

# No leading dot: neither `..` nor a hidden file can be named.
_SEGMENT = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]*")


def validate_key(key: str) -> str:
    """Returns `key` if it may name an object, else raises StoreError."""
    if not key or len(key) > MAX_KEY_BYTES:
        raise StoreError(f"not a key (1 to {MAX_KEY_BYTES} characters): {key[:80]!r}")
    for segment in key.split("/"):
        if len(segment) > MAX_SEGMENT_BYTES or not _SEGMENT.fullmatch(segment):
            raise StoreError(f"not a key: segment {segment[:80]!r} of {key[:80]!r}")
    return key


def validate_prefix(prefix: str) -> str:
    """Returns `prefix` if keys may begin with it (empty, or up to any character of a key)."""
    if prefix:
        validate_key(prefix[:-1] if prefix.endswith("/") else prefix)
    return prefix
