"""How a study log is shared by many: times that writers, readers and compactors agree on."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.log.reading import MARGIN_MILLISECONDS

CUT_SECONDS = 15.0
"""While a study is busy a segment is written this often."""

ROLL_MILLISECONDS = 120_000
"""A segment repeats the blocks of so long before it: who reads more often needs one."""

LOOKBACK_MILLISECONDS = 2 * MARGIN_MILLISECONDS
"""A segment that ended so long before what was read is known, or holds nothing of its own."""

STALE_MILLISECONDS = 45_000
"""Segments older than this are no news: their writers are gone, or the study is calm."""

GRACE_SECONDS = 300.0
"""What a segment holds is deleted elsewhere once the segment has been there for so long."""

AWAY_MILLISECONDS = 150_000
"""A reader that was away for longer asks for segments: what it missed may be nowhere else."""

SYNCS_PER_SECOND = 20.0
"""Of all readers of a study together; each costs two requests."""

READS_PER_SECOND = 100.0
"""More GETs of single records than this, by all readers together, are too many."""

ALONE_NAMES = 1000
"""In two minutes: more records than this nobody reads one by one."""

FEWEST_NAMES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """One of many readers that share the work of reading.

    Attributes:
        ordinal: Which one, from 0.
        readers: How many there are.
        own: What the names of its own trials begin with; these it reads itself at its start.
    """

    ordinal: int
    readers: int
    own: str

    @property
    def pause_seconds(self) -> float:
        """Between two syncs of one reader."""
        return self.readers / SYNCS_PER_SECOND

    @property
    def most_names(self) -> int:
        """So many new records in the margin are left to segments."""
        shared = READS_PER_SECOND * MARGIN_MILLISECONDS / 1000 / self.readers
        return int(min(ALONE_NAMES, max(FEWEST_NAMES, shared)))
