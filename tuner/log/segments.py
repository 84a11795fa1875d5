"""Segments: many records in one immutable object. Names, blocks, encoding; pure.

A segment is gzip members one after the other, so that `zcat` shows lines of JSON:

    {"v":1,"blocks":[["<id>",<lines>,<bytes>],..]}       how the rest is divided
    ["<name below log/>",<body>]                         a record as it was written, a line each

A **block** holds the records that one compaction found in nobody's segment; its id is the name of
the segment that was written then. Blocks are copied whole from segment to segment and never change,
so a reader knows by its id whether it has read one.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from tuner.errors import LogError, ObjectCorrupt
from tuner.log.keys import MAX_MILLISECONDS

MAX_SEGMENT_BYTES = 64 << 20
MAX_LINES_BYTES = 256 << 20
"""Of one block's lines."""

_MAX_HEADER_BYTES = 4 << 20
_VERSION = 1
_GZIP = 31
_NAME = re.compile(
    r"(?P<from>[0-9]{13})\.(?P<to>[0-9]{13})\.(?P<writer>[cm][-a-z0-9]{0,61}[a-z0-9])"
)
_SUFFIX = ".jsonl.gz"


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """What the name of a segment tells; orders as the keys do.

    Attributes:
        begin: Of the blocks written after this time it holds all that its writer knew of.
        end: When its writer began to list the log: milliseconds, store's clock.
        writer: Unique to the process that wrote it; begins with `c`, or `m` if it merges others.
    """

    begin: int
    end: int
    writer: str

    @property
    def id(self) -> str:
        """The name of its own block."""
        return f"{self.begin:013d}.{self.end:013d}.{self.writer}"

    @property
    def merged(self) -> bool:
        """Whether it holds blocks of others only."""
        return self.writer.startswith("m")


@dataclass(frozen=True, slots=True)
class Block:
    """Records that came into segments together.

    Attributes:
        name: The segment that was written for them.
        lines: How many.
        data: The lines, compressed.
    """

    name: SegmentName
    lines: int
    data: bytes

    def rows(self) -> list[tuple[str, object]]:
        """Names and bodies, in order. Raises ObjectCorrupt."""
        return [row for piece in self.pieces(max(1, self.lines)) for row in piece]

    def pieces(self, count: int) -> Iterator[list[tuple[str, object]]]:
        """Names and bodies in order, so many lines at a time. Raises ObjectCorrupt.

        A piece of some hundred lines is parsed and read while it is in the core's cache.
        """
        lines = self.raw_lines()
        if len(lines) != self.lines:
            raise ObjectCorrupt(f"block {self.name.id}: {len(lines)} lines of {self.lines}")
        for start in range(0, len(lines), count):
            yield self._parsed(lines[start : start + count])

    def _parsed(self, lines: Sequence[bytes]) -> list[tuple[str, object]]:
        try:
            rows = json.loads(b"[" + b",".join(lines) + b"]")
        except ValueError as error:
            raise ObjectCorrupt(f"block {self.name.id}: {error}") from error
        if len(rows) != len(lines):
            raise ObjectCorrupt(f"block {self.name.id}: not a record on each line")
        for row in rows:
            if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], str):
                raise ObjectCorrupt(f"block {self.name.id}: not a line of a segment")
        return cast("list[tuple[str, object]]", rows)

    def names(self) -> list[str]:
        """The names of its records; their bodies are not parsed. Raises ObjectCorrupt."""
        try:
            return [line[2 : line.index(b'"', 2)].decode() for line in self.raw_lines()]
        except ValueError as error:
            raise ObjectCorrupt(f"block {self.name.id}: not a line of a segment") from error

    def raw_lines(self) -> list[bytes]:
        """The lines. Raises ObjectCorrupt."""
        text = _unpacked(self.data, limit=MAX_LINES_BYTES, what=f"block {self.name.id}")[0]
        return text.split(b"\n")[:-1]


def segment_name(name: SegmentName) -> str:
    """The name below `segments/`. Raises LogError."""
    if not 0 <= name.begin < name.end <= MAX_MILLISECONDS or not _NAME.fullmatch(name.id):
        raise LogError(f"not a name of a segment: {name.id!r}")
    return name.id + _SUFFIX


def parse_segment_name(name: str) -> SegmentName | None:
    """The reverse of `segment_name`; None for anything else."""
    return parse_block_id(name.removesuffix(_SUFFIX)) if name.endswith(_SUFFIX) else None


def parse_block_id(text: str) -> SegmentName | None:
    """The segment that a block was written for; None for anything else."""
    found = _NAME.fullmatch(text)
    if found is None or found["from"] >= found["to"]:
        return None
    return SegmentName(int(found["from"]), int(found["to"]), found["writer"])


def line_of(name: str, body: bytes) -> bytes:
    """A record as a line: the body as it was stored, if that is one line. Raises ValueError."""
    if b"\n" in body:
        body = json.dumps(json.loads(body), separators=(",", ":")).encode()
    return b'["' + name.encode("ascii") + b'",' + body + b"]"


def new_block(name: SegmentName, lines: Sequence[bytes]) -> Block:
    """A block of these lines."""
    data = gzip.compress(b"".join(line + b"\n" for line in lines), compresslevel=6, mtime=0)
    return Block(name, len(lines), data)


def encode_segment(blocks: Iterable[Block]) -> bytes:
    """The content of a segment."""
    blocks = list(blocks)
    table = [[block.name.id, block.lines, len(block.data)] for block in blocks]
    header = json.dumps({"v": _VERSION, "blocks": table}, separators=(",", ":")) + "\n"
    return gzip.compress(header.encode(), mtime=0) + b"".join(block.data for block in blocks)


def decode_segment(data: bytes, *, key: str) -> list[Block]:
    """The blocks of a segment, as stored. Raises ObjectCorrupt."""
    header, rest = _unpacked(data, limit=_MAX_HEADER_BYTES, what=key)
    blocks: list[Block] = []
    offset = 0
    for name, lines, size in _table(header, key):
        blocks.append(Block(name, lines, rest[offset : offset + size]))
        offset += size
    if offset != len(rest):
        raise ObjectCorrupt(f"{key}: {len(rest)} bytes of blocks, not {offset}")
    return blocks


def route(
    names: Iterable[SegmentName], *, done: Callable[[SegmentName], bool]
) -> Iterator[SegmentName]:
    """Which segments to read, and in which order, to come by the blocks of all: the oldest first.

    A segment that says that it holds the oldest missing block is read in its place. Whether it did
    is asked afterwards, so nothing rests on its word.

    Args:
        names: What there is.
        done: Whether a segment's own block has been read by now.
    """
    left = sorted(names, key=lambda one: (one.end, one.writer))
    while left := [one for one in left if not done(one)]:
        oldest = left[0]
        holder = max((one for one in left if one.begin < oldest.end), key=lambda one: one.end)
        yield holder
        if holder != oldest and not done(oldest):
            yield oldest
        left = [one for one in left if one not in (oldest, holder)]


def _table(header: bytes, key: str) -> Iterator[tuple[SegmentName, int, int]]:
    try:
        table = json.loads(header)["blocks"]
        for text, lines, size in table:
            name = parse_block_id(text)
            if name is None or int(lines) < 0 or int(size) < 0:
                raise ObjectCorrupt(f"{key}: not a table of blocks")
            yield name, int(lines), int(size)
    except (ValueError, TypeError, KeyError) as error:
        raise ObjectCorrupt(f"{key}: not a header of a segment: {error!r}") from error


def _unpacked(data: bytes, *, limit: int, what: str) -> tuple[bytes, bytes]:
    """The first gzip member, and what comes after it."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise ObjectCorrupt(f"{what}: {error}") from error
    if not unpacker.eof:
        raise ObjectCorrupt(f"{what}: cut off, or larger than {limit} bytes")
    return text, unpacker.unused_data
