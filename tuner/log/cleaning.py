"""Keeping the listings short: few segments, and no single records that segments hold."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import ObjectCorrupt
from tuner.log.compactor import Compactor
from tuner.log.following import CUT_SECONDS, GRACE_SECONDS, LOOKBACK_MILLISECONDS
from tuner.log.segments import Block, SegmentName
from tuner.log.shelf import Shelf, Shelved
from tuner.log.singles import Singles

FEWEST_MERGED = 20
MOST_MERGED = 60
_TURNS = 1.5

_logger = logging.getLogger(__name__)


class Cleaner:
    """Deletes what a segment holds elsewhere, and merges old segments.

    Nothing is deleted but what a segment holds that was read back just now, and that was there for
    `GRACE_SECONDS`: by then every reader that is awake has asked for segments.

    Args:
        store: Where the study is.
        prefix: Of the study.
        compactor: Merges.
        patience: How long one request outlasts an unreachable store; by default not at all.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        *,
        compactor: Compactor,
        patience: Patience | None = None,
    ) -> None:
        patience = patience or Patience(seconds=0)
        self._store = store
        self._compactor = compactor
        self._shelf = Shelf(store, prefix, patience=patience)
        self._singles = Singles(store, prefix, patience=patience)

    def clean(self) -> None:
        """Does what is due."""
        now = self._store.now()
        shelved = self._shelf.listing()
        merges = [one for one in shelved if one.name.merged]
        cuts = [one for one in shelved if not one.name.merged]
        for cut in cuts:
            if GRACE_SECONDS <= now - cut.modified < GRACE_SECONDS + _TURNS * CUT_SECONDS:
                self._drop_singles(cut.name)
        for merged in merges:
            if now - merged.modified >= GRACE_SECONDS:
                self._drop_merged(merged.name, cuts)
        ripe = _ripe(cuts, merges, before=_ripe_before(now))
        if len(ripe) >= FEWEST_MERGED:
            self._compactor.merge(ripe[:MOST_MERGED])

    def _drop_singles(self, cut: SegmentName) -> None:
        for names in _names_by_block(self._shelf.readable(cut), of={cut}).values():
            self._singles.delete(f"{name}.json" for name in names)

    def _drop_merged(self, merged: SegmentName, cuts: Iterable[Shelved]) -> None:
        """Deletes segments whose own blocks a merged one holds, and what is left of their singles.

        The segments last: as long as one is there, the rest is not done.
        """
        inside = {one.name for one in cuts if merged.begin < one.name.end <= merged.end}
        if not inside:
            return
        blocks = _names_by_block(self._shelf.readable(merged), of=inside)
        held = {f"{name}.json" for names in blocks.values() for name in names}
        left = self._singles.names(before=f"{merged.end + 1:013d}")
        self._singles.delete(name for name in left if name in held)
        self._shelf.delete(blocks)


def _names_by_block(
    blocks: Iterable[Block], *, of: Collection[SegmentName]
) -> dict[SegmentName, list[str]]:
    """What the blocks of some segments hold; a block that cannot be read is left out.

    What it holds then stays wherever else it is: one bad block must not keep the rest from being
    cleaned up.
    """
    found = {}
    for block in blocks:
        if block.name in of:
            try:
                found[block.name] = block.names()
            except ObjectCorrupt as error:
                _logger.warning("passed over a block of the study log: %s", error)
    return found


def _ripe_before(now: float) -> int:
    return round(now * 1000) - 2 * LOOKBACK_MILLISECONDS


def _ripe(cuts: Iterable[Shelved], merges: Sequence[Shelved], *, before: int) -> list[SegmentName]:
    """Segments that no reader that is awake asks for, and that nobody has merged; oldest first."""
    ripe = [
        cut.name
        for cut in cuts
        if cut.name.end < before
        and not any(one.name.begin < cut.name.end <= one.name.end for one in merges)
    ]
    return sorted(ripe, key=lambda one: (one.end, one.writer))
