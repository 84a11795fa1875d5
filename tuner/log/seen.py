"""Which records a reader was handed: exact, and in a few bytes a record."""

from __future__ import annotations

from array import array

MOST_SEEN = 2_000_000
"""Records that are remembered at least; when twice as many came, the older half is forgotten."""

_FIRST_SLOTS = 1 << 10
_FULL = 0.6
_WORD = (1 << 64) - 1


def fingerprint(kind: str, trial: str, attempt: int, part: str) -> int:
    """64 bits that stand for a logical id in this process; never 0.

    Of a million records two are the same by accident once in forty million studies.
    """
    return hash((kind, trial, attempt, part)) & _WORD or 1


class Seen:
    """A set of fingerprints in 14 to 27 bytes each, at most `2 * most` of them.

    Args:
        most: How many of the last ones are remembered for certain.
    """

    def __init__(self, *, most: int = MOST_SEEN) -> None:
        self._most = most
        self._new = _Table()
        self._old = _Table()

    def __contains__(self, mark: int) -> bool:
        return mark in self._new or mark in self._old

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def add(self, mark: int) -> bool:
        """Takes a fingerprint in; False if it was there."""
        if mark in self._old or not self._new.add(mark):
            return False
        if len(self._new) >= self._most:
            self._old, self._new = self._new, _Table()
        return True


class _Table:
    """Open addressing: a Python set of integers would take four times the memory."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._mask = _FIRST_SLOTS - 1
        self._count = 0

    def __contains__(self, mark: int) -> bool:
        return self._slots[self._place(mark)] != 0

    def __len__(self) -> int:
        return self._count

    def add(self, mark: int) -> bool:
        place = self._place(mark)
        if self._slots[place]:
            return False
        self._slots[place] = mark
        self._count += 1
        if self._count > _FULL * len(self._slots):
            self._grow()
        return True

    def _place(self, mark: int) -> int:
        """The slot that holds a mark, or else the empty one where it belongs."""
        slots, mask = self._slots, self._mask
        at = mark & mask
        while (found := slots[at]) and found != mark:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        marks = [mark for mark in self._slots if mark]
        self._slots = array("Q", bytes(16 * len(self._slots)))
        self._mask = len(self._slots) - 1
        self._count = 0
        for mark in marks:
            self.add(mark)
