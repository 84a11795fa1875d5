"""The smallest merge patch (RFC 7386) from one JSON object to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What changes `old` into `new`; lists are replaced whole, missing fields are nulled."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        there = old.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            inner = merge_patch(there, value)
            if inner:
                patch[key] = inner
        elif there != value or key not in old:
            patch[key] = value
    return patch
