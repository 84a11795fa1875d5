"""The objects below `segments/`: listing, reading and writing them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.errors import ObjectCorrupt, ObjectMissing, ObjectTooLarge
from tuner.log.folders import Folder
from tuner.log.segments import (
    MAX_SEGMENT_BYTES,
    Block,
    SegmentName,
    decode_segment,
    encode_segment,
    parse_segment_name,
    segment_name,
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A segment that a listing showed, and when it was written: seconds, store's clock."""

    name: SegmentName
    modified: float


class Shelf(Folder):
    """Lists, reads and writes the segments of a study."""

    NAME = "segments"

    def listing(self, *, begin: int = 0) -> list[Shelved]:
        """The segments whose names begin at this time or later, in key order."""
        start = f"{self._folder}{max(0, begin):013d}"
        found = self._patience.call(lambda: [*self._store.list(self._folder, start_after=start)])
        named = ((parse_segment_name(one.key.removeprefix(self._folder)), one) for one in found)
        return [Shelved(name, info.modified) for name, info in named if name is not None]

    def get(self, name: SegmentName) -> list[Block]:
        """A segment's blocks. Raises ObjectMissing, ObjectTooLarge or ObjectCorrupt."""
        key = self._key(name)
        return decode_segment(self._read(key, max_bytes=MAX_SEGMENT_BYTES), key=key)

    def readable(self, name: SegmentName) -> list[Block]:
        """A segment's blocks; none, and a warning, if they cannot be read for good."""
        try:
            return self.get(name)
        except (ObjectCorrupt, ObjectTooLarge, ObjectMissing) as error:
            _logger.warning("passed over a segment of the study log: %s", error)
            return []

    def put(self, name: SegmentName, *, blocks: Iterable[Block]) -> None:
        """Writes a segment."""
        self._write(self._key(name), encode_segment(blocks))

    def delete(self, names: Iterable[SegmentName]) -> None:
        """Removes segments; those that are gone are passed over."""
        self._remove(map(segment_name, names))

    def _key(self, name: SegmentName) -> str:
        return self._folder + segment_name(name)
