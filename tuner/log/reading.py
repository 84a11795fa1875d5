"""From names and bodies to records, and how far apart clocks may be: pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from tuner.errors import ObjectCorrupt
from tuner.log.bodies import BUNDLE, bundled
from tuner.log.keys import LogKey, parse_log_name
from tuner.log.records import Kind, Record
from tuner.log.seen import Seen, fingerprint

MARGIN_MILLISECONDS = 120_000
"""How far a reader looks back: more than clock skew and a slow put in sum."""

_KINDS: Mapping[str, Kind] = {str(kind): kind for kind in Kind}

_logger = logging.getLogger(__name__)


def new_records(names: Iterable[str], *, seen: Seen) -> list[list[LogKey]]:
    """Of names in key order: the writes of every record that was not seen before.

    The first write of each is the one that counts; the later ones are for when it cannot be read.
    Names that are no records, and kinds of later versions, are passed over.
    """
    writes: dict[int, list[LogKey]] = {}
    for key in filter(None, map(parse_log_name, names)):
        if key.kind in _KINDS or key.kind == BUNDLE:
            mark = fingerprint(key.kind, key.trial, key.attempt, key.part)
            if mark not in seen:
                writes.setdefault(mark, []).append(key)
    return list(writes.values())


def mark_of(record: Record) -> int:
    """The fingerprint of a record's logical id."""
    return fingerprint(str(record.kind), record.trial, record.attempt, record.part)


def records_of(key: LogKey, body: Mapping[str, object], *, seen: Seen) -> list[Record]:
    """The records that an object of the log stands for, but for those that were seen; now they are.

    Raises ObjectCorrupt.
    """
    found: list[Record] = []
    if key.kind == BUNDLE:
        _take(bundled(body), key.milliseconds, seen=seen, found=found)
        seen.add(fingerprint(key.kind, key.trial, key.attempt, key.part))
    else:
        _take([(*key.logical_id, body)], key.milliseconds, seen=seen, found=found)
    return found


def records_of_lines(lines: Iterable[tuple[str, object]], *, seen: Seen) -> list[Record]:
    """The records of a block's lines, but for those that were seen; now they are."""
    found: list[Record] = []
    for name, body in lines:
        # Names in segments were checked by those who took them from the listing.
        try:
            moment, kind, trial, number, part = name.split(".")
            attempt = int(number)
            if not isinstance(body, dict) or not isinstance(body.pop("v", None), int):
                raise ObjectCorrupt("not a JSON object with a version")
            if kind != BUNDLE:
                _take([(kind, trial, attempt, part, body)], int(moment), seen=seen, found=found)
            elif seen.add(fingerprint(kind, trial, attempt, part)):
                _take(bundled(body), int(moment), seen=seen, found=found)
        except (ValueError, ObjectCorrupt) as error:
            _logger.warning("passed over a record of a segment: %s: %s", name[:200], error)
    return found


_Row = tuple[str, str, int, str, Mapping[str, object]]


def _take(rows: Iterable[_Row], milliseconds: int, *, seen: Seen, found: list[Record]) -> None:
    """Adds what was not seen to what was found."""
    for kind, trial, attempt, part, body in rows:
        known = _KINDS.get(kind)
        if known is not None and seen.add(fingerprint(kind, trial, attempt, part)):
            found.append(
                Record(
                    kind=known,
                    trial=trial,
                    attempt=attempt,
                    part=part,
                    milliseconds=milliseconds,
                    body=body,
                )
            )


def in_key_order(records: Iterable[Record]) -> list[Record]:
    """Records as their keys are ordered."""
    return sorted(records, key=lambda one: (one.milliseconds, *one.logical_id))
