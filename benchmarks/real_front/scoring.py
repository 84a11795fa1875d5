"""How good a found front is: the volume it dominates, measured on the grid's own values.

A configuration is worth what the grid measured of it, wherever it was found: that of two runs of
the same thing one was quicker decides nothing. Errors are scaled to the grid's range, dollars by
their logarithm; the corner lies a twentieth beyond the worst.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuner.pareto import hypervolume, pareto_front

BEYOND = 1.05

Key = tuple[tuple[tuple[str, object], ...], tuple[str, ...]]
"""Parameters and instance types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One configuration on one type, as the grid measured it.

    Attributes:
        values: Error and dollars from scratch.
        paid_usd: What the grid's trial was charged, the start of its pod included.
    """

    values: tuple[float, float]
    paid_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is to be had."""

    cells: Mapping[Key, Cell]

    @property
    def paid_usd(self) -> float:
        """What all of it cost."""
        return sum(one.paid_usd for one in self.cells.values())

    @property
    def front(self) -> Mapping[Key, Cell]:
        """What no other cell dominates."""
        keys = list(self.cells)
        rows = pareto_front([self.cells[key].values for key in keys], minimize=(True, True))
        return {keys[row]: self.cells[keys[row]] for row in rows}

    def share(self, found: Iterable[Key]) -> float:
        """Of the whole grid's volume, what these configurations dominate."""
        whole = self._volume(self.cells)
        return self._volume(found) / whole if whole else 0.0

    def random_shares(
        self,
        usd: float,
        *,
        repeats: int,
        seed: int = 0,
        within: Callable[[Key], bool] = lambda _: True,
    ) -> Sequence[float]:
        """The same for configurations drawn at random until the money is spent.

        Args:
            usd: The money.
            repeats: So many draws.
            seed: Of the draws.
            within: Which configurations are drawn from.
        """
        rng = random.Random(seed)
        drawn = [key for key in self.cells if within(key)]
        shares = []
        for _ in range(repeats):
            order = rng.sample(drawn, len(drawn))
            left, found = usd, []
            for key in order:
                left -= self.cells[key].paid_usd
                if left < 0:
                    break
                found.append(key)
            shares.append(self.share(found))
        return shares

    def _volume(self, keys: Iterable[Key]) -> float:
        errors = [one.values[0] for one in self.cells.values()]
        dollars = [math.log(one.values[1]) for one in self.cells.values()]
        points = [
            (
                _scaled(self.cells[key].values[0], errors),
                _scaled(math.log(self.cells[key].values[1]), dollars),
            )
            for key in keys
            if key in self.cells
        ]
        return hypervolume(points, (BEYOND, BEYOND))


def _scaled(value: float, values: Sequence[float]) -> float:
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.0
