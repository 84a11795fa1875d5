"""Why a stage was never stored: which part of its key differs from the nearest earlier one.

Every stored artifact leaves an index entry whose name is a fingerprint of each component of its
key, side by side. One LIST compares a key with up to MAX_COMPARED others; one GET of the nearest
shows what the differing parts were.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectMissing, ObjectTooLarge

MAX_COMPARED = 2000
MAX_COMPONENTS = 60
"""Fingerprints that fit into a segment of a key; further components share the last one."""

MAX_ENTRY_BYTES = 64 << 10
_PRINT = 4
_OTHERS = "further components"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part of a stage key that differs from the nearest earlier key.

    Attributes:
        component: Its name, e.g. `parameter lr`.
        now: Its text in this key.
        before: Its text in the nearest earlier key; None if that is not known.
    """

    component: str
    now: str
    before: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.component} differs"
        return f"{self.component} differs ({self.before}, now {self.now})"


class NearestIndex:
    """The index of one namespace's stage artifacts, below `<prefix>/index/`."""

    def __init__(self, store: ArtifactStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def add(self, stage: str, *, components: Mapping[str, str]) -> None:
        """Leaves an entry; the same components leave the same one."""
        if not components:
            return
        text = json.dumps(dict(components), sort_keys=True)
        body = text.encode() if len(text) <= MAX_ENTRY_BYTES else b"{}"
        self._store.put(self._folder(stage, components) + fingerprint(components), body)

    def nearest_difference(
        self, stage: str, *, components: Mapping[str, str]
    ) -> tuple[Difference, ...]:
        """The parts that differ from the nearest earlier key of this stage; empty without one."""
        if not components:
            return ()
        folder = self._folder(stage, components)
        listed = islice(self._store.list(folder), MAX_COMPARED)
        best = nearest((info.key.removeprefix(folder) for info in listed), components)
        if best is None:
            return ()
        earlier = self._components(folder + best)
        return tuple(
            Difference(component=name, now=components.get(name, ""), before=earlier.get(name))
            for name in differing(best, components)
        )

    def _components(self, key: str) -> Mapping[str, str]:
        try:
            document = json.loads(self._store.get(key, max_bytes=MAX_ENTRY_BYTES))
        except (ObjectMissing, ObjectTooLarge, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _folder(self, stage: str, components: Mapping[str, str]) -> str:
        names = hashlib.sha256(json.dumps(sorted(components)).encode()).hexdigest()[:16]
        return f"{self._prefix}/index/{stage}/{names}/"


def fingerprint(components: Mapping[str, str]) -> str:
    """Four characters a component, in the order of their names."""
    return "".join(_print(value) for _, value in _ordered(components))


def nearest(names: Iterable[str], components: Mapping[str, str]) -> str | None:
    """The fingerprint with the fewest differing components, the first of equals."""
    wanted = fingerprint(components)
    comparable = (name for name in names if len(name) == len(wanted))
    return min(comparable, key=lambda name: _distance(name, wanted), default=None)


def differing(other: str, components: Mapping[str, str]) -> list[str]:
    """Names of the components whose fingerprints differ."""
    wanted = fingerprint(components)
    return [
        name
        for index, (name, _) in enumerate(_ordered(components))
        if other[_PRINT * index :][:_PRINT] != wanted[_PRINT * index :][:_PRINT]
    ]


def _ordered(components: Mapping[str, str]) -> list[tuple[str, str]]:
    ordered = sorted(components.items())
    if len(ordered) <= MAX_COMPONENTS:
        return ordered
    others = json.dumps(ordered[MAX_COMPONENTS - 1 :])
    return [*ordered[: MAX_COMPONENTS - 1], (_OTHERS, others)]


def _distance(one: str, other: str) -> int:
    return sum(
        one[index : index + _PRINT] != other[index : index + _PRINT]
        for index in range(0, len(other), _PRINT)
    )


def _print(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:3]).decode()
