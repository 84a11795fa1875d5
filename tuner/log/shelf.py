"""The objects below `segments/`: listing, reading and writing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuner.artifacts import ArtifactStore, Patience
from tuner.log.segments import (
    MAX_SEGMENT_BYTES,
    Block,
    SegmentName,
    decode_segment,
    encode_segment,
    parse_segment_name,
    segment_name,
)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A segment that a listing showed, and when it was written: seconds, store's clock."""

    name: SegmentName
    modified: float


class Shelf:
    """Lists, reads and writes the segments of a study.

    Args:
        store: Where the study is.
        prefix: Of the study.
        patience: How long one request outlasts an unreachable store.
    """

    def __init__(self, store: ArtifactStore, prefix: str, *, patience: Patience) -> None:
        self._store = store
        self._folder = f"{prefix}/segments/"
        self._patience = patience

    def listing(self, *, begin: int = 0) -> list[Shelved]:
        """The segments whose names begin at this time or later, in key order."""
        start = f"{self._folder}{max(0, begin):013d}"
        found = self._patience.call(lambda: [*self._store.list(self._folder, start_after=start)])
        named = ((parse_segment_name(one.key.removeprefix(self._folder)), one) for one in found)
        return [Shelved(name, info.modified) for name, info in named if name is not None]

    def get(self, name: SegmentName) -> list[Block]:
        """A segment's blocks. Raises ObjectMissing, ObjectTooLarge or ObjectCorrupt."""
        key = self._key(name)
        data = self._patience.call(lambda: self._store.get(key, max_bytes=MAX_SEGMENT_BYTES))
        return decode_segment(data, key=key)

    def put(self, name: SegmentName, *, blocks: Iterable[Block]) -> None:
        """Writes a segment."""
        data = encode_segment(blocks)
        self._patience.call(lambda: self._store.put(self._key(name), data))

    def delete(self, names: Iterable[SegmentName]) -> None:
        """Removes segments; those that are gone are passed over."""
        keys = [self._key(name) for name in names]
        if keys:
            self._patience.call(lambda: self._store.delete(keys))

    def _key(self, name: SegmentName) -> str:
        return self._folder + segment_name(name)
