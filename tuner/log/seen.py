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
        return self._new.count + self._old.count

    def add(self, mark: int) -> bool:
        """Takes a fingerprint in; False if it was there."""
        if (self._old.count and mark in self._old) or not self._new.add(mark):
            return False
        if self._new.count >= self._most:
            self._old, self._new = self._new, _Table()
        return True


class _Table:
    """Open addressing: a Python set of integers would take four times the memory.

    Probing is written out wherever it is needed: a call would double what a record costs here.

    Attributes:
        count: How many are in it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._resize(_FIRST_SLOTS)

    def __contains__(self, mark: int) -> bool:
        slots, mask = self._slots, self._mask
        at = mark & mask
        while found := slots[at]:
            if found == mark:
                return True
            at = (at + 1) & mask
        return False

    def add(self, mark: int) -> bool:
        slots, mask = self._slots, self._mask
        at = mark & mask
        while found := slots[at]:
            if found == mark:
                return False
            at = (at + 1) & mask
        slots[at] = mark
        self.count += 1
        if self.count > self._most:
            self._grow()
        return True

    def _resize(self, count: int) -> None:
        self._slots = array("Q", bytes(8 * count))
        self._mask = count - 1
        self._most = int(_FULL * count)

    def _grow(self) -> None:
        before = self._slots
        self._resize(2 * len(before))
        slots, mask = self._slots, self._mask
        for mark in before:
            if mark:
                at = mark & mask
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = mark
