"""Sharing out this machine's CPUs, so that instance types differ for real: pure bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil


class Cpus:
    """Disjoint sets of CPUs; an attempt gets whole ones, for as long as it runs.

    Args:
        numbers: Of the CPUs that may be used.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._free = sorted(numbers)
        self.total = len(self._free)

    def wanted(self, cpus: float | None) -> int:
        """How many whole CPUs a type with so many cores gets; never more than there are."""
        return min(self.total, max(1, ceil(cpus or 1)))

    def take(self, count: int) -> frozenset[int] | None:
        """So many free CPUs, or None while there are fewer."""
        if count > len(self._free):
            return None
        taken, self._free = self._free[:count], self._free[count:]
        return frozenset(taken)

    def give_back(self, numbers: Iterable[int]) -> None:
        """Frees what was taken."""
        self._free = sorted({*self._free, *numbers})
