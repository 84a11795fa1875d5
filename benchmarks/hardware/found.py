"""What a run has found: the fastest and the cheapest good configuration, and the front's volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.hardware.steps import Ints, Steps
from benchmarks.problems.tables import Array, Table
from tuner.pareto import hypervolume, pareto_front

POINTS = 0.02
"""A configuration is good if its error is within two points of the least of the table."""

PENALTY = 2.0
"""What a run that found none counts, in the greatest seconds and dollars of the table (PAR-2)."""

REFERENCE = 0.95
"""The corner of the hypervolume: the value that this share of the table does not exceed."""


NEAR = 1.05
"""Near the fastest or the cheapest cluster is within five per cent of it."""


def near(values: Array) -> Array:
    """Which values are near the least, (n,) of bool."""
    return np.asarray(values <= NEAR * values.min())


@dataclass(frozen=True, slots=True)
class Found:
    """The configuration that a user would take away.

    Attributes:
        seconds: Of one full run of the fastest good one; the penalty if there is none.
        usd: Of one full run of the cheapest good one; the penalty if there is none.
        any: Whether there is one.
    """

    seconds: float
    usd: float
    any: bool


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures runs on a table; everything it needs is fixed before the first run."""

    table: Table

    @cached_property
    def good(self) -> Array:
        """Which rows are within two points of the table's best, (n,) of bool."""
        errors = self.table.values["error"][:, -1]
        return np.asarray(errors <= errors.min() + POINTS)

    @cached_property
    def penalty(self) -> Found:
        """Of a run that found nothing good."""
        seconds, usd = self.table.seconds_in_full, self.table.usd_in_full
        return Found(PENALTY * float(seconds.max()), PENALTY * float(usd.max()), any=False)

    @property
    def full_usd(self) -> float:
        """Dollars of the whole table at full fidelity."""
        return float(self.table.usd_in_full.sum())

    def best_of(self, steps: Steps) -> Found:
        """The fastest and the cheapest good one among the full runs."""
        rows = np.unique(steps.in_full(self.table).row)
        return self._found(rows[self.good[rows]])

    def most_accurate(self, steps: Steps) -> Found:
        """The one of the least error among the full runs: what looks at accuracy alone takes."""
        rows = steps.in_full(self.table).row
        if not len(rows):
            return self.penalty
        errors = self.table.values["error"][rows, -1]
        row = rows[[int(np.argmin(errors))]]
        return self._found(row[self.good[row]])

    @property
    def ideal(self) -> Found:
        """The fastest and the cheapest good one of the table."""
        return self._found(np.flatnonzero(self.good))

    def _found(self, rows: Ints) -> Found:
        if not len(rows):
            return self.penalty
        seconds, usd = self.table.seconds_in_full[rows], self.table.usd_in_full[rows]
        return Found(float(seconds.min()), float(usd.min()), any=True)

    @cached_property
    def scaled(self) -> Array:
        """Objectives in full (n, M), 0 the least of the table and 1 the corner."""
        raw = self.table.objectives()
        low, high = raw.min(0), np.quantile(raw, REFERENCE, axis=0)
        return np.asarray((raw - low) / (high - low))

    @cached_property
    def whole_volume(self) -> float:
        """Dominated by the whole table."""
        return self._volume(np.arange(len(self.table)))

    def volume(self, steps: Steps) -> float:
        """Share of the table's hypervolume that the full runs dominate."""
        rows = np.unique(steps.in_full(self.table).row)
        return self._volume(rows) / self.whole_volume if len(rows) else 0.0

    def _volume(self, rows: Ints) -> float:
        vectors = self.scaled[rows]
        front = pareto_front(vectors.tolist(), minimize=[True] * vectors.shape[1])
        return hypervolume(vectors[front].tolist(), [1.0] * vectors.shape[1])
