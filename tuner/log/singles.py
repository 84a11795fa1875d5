"""The objects below `log/`, one for each write: listing and fetching them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tuner.errors import ObjectCorrupt, ObjectMissing, ObjectTooLarge
from tuner.log.bodies import MAX_BODY_BYTES, decode_body
from tuner.log.folders import Folder
from tuner.log.keys import LogKey, log_name

PARALLEL_READS = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One object of the log: its key, what was stored, and what that says."""

    key: LogKey
    data: bytes
    body: Mapping[str, object]


@dataclass(slots=True)
class Missed:
    """Counts what a listing named and nobody could get any more."""

    count: int = 0


class Singles(Folder):
    """Lists and reads `log/`."""

    NAME = "log"

    def names(
        self, *, after: str = "", before: str | None = None, most: int | None = None
    ) -> list[str]:
        """Names between two others, in order; no more pages are asked for than `most` need."""
        return self._patience.call(lambda: list(self._listed(after, before, most)))

    def fetch(self, writes: Sequence[Iterable[LogKey]], *, missed: Missed) -> list[Fetched]:
        """Of each list of writes the first that can be read, if any; many at once."""
        if len(writes) < PARALLEL_READS:
            found = [self._first_readable(keys, missed) for keys in writes]
        else:
            with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="study-log") as pool:
                found = list(pool.map(lambda keys: self._first_readable(keys, missed), writes))
        return [one for one in found if one is not None]

    def delete(self, names: Iterable[str]) -> None:
        """Removes objects; those that are gone are passed over."""
        self._remove(names)

    def _listed(self, after: str, before: str | None, most: int | None) -> Iterator[str]:
        start = self._folder + after
        for index, info in enumerate(self._store.list(self._folder, start_after=start)):
            name = info.key.removeprefix(self._folder)
            if index == most or (before is not None and name >= before):
                return
            yield name

    def _first_readable(self, keys: Iterable[LogKey], missed: Missed) -> Fetched | None:
        for key in keys:
            name = self._folder + log_name(key)
            try:
                data = self._read(name, max_bytes=MAX_BODY_BYTES)
                return Fetched(key, data, decode_body(data, key=name))
            except (ObjectMissing, ObjectTooLarge, ObjectCorrupt) as error:
                # One bad object must not keep every reader from the rest of the log.
                missed.count += isinstance(error, ObjectMissing)
                _logger.warning("passed over a record of the study log: %s", error)
        return None
