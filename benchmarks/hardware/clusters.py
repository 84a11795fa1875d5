"""Figures on scout: seconds and dollars until a fast and a cheap cluster have been found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks._report import Figure, at_least
from benchmarks._statistics import LEVELS, RESAMPLES, Estimate
from benchmarks.hardware.found import near
from benchmarks.hardware.methods import METHODS, OURS
from benchmarks.hardware.runs import Run
from benchmarks.hardware.steps import Steps
from benchmarks.hardware.trained import paired
from benchmarks.plots import bars
from benchmarks.problems.tables import Array, Table

TARGETS = {"usd": 2.0, "seconds": 1.5}
REFERENCES = ("random in full", "MO-ASHA, corrected")
"""Without levels of fidelity corrected MO-ASHA is random search."""


def until_both(table: Table, steps: Steps) -> tuple[float, float, int]:
    """USD, seconds and runs until a near-fastest and a near-cheapest cluster have run.

    A run that never got there counts with twice all it spent.
    """
    fast = near(table.seconds_in_full)[steps.row]
    cheap = near(table.usd_in_full)[steps.row]
    both = np.logical_or.accumulate(fast) & np.logical_or.accumulate(cheap)
    if not both.any():
        return 2 * float(steps.usd[-1]), 2 * float(steps.seconds[-1]), 2 * len(steps)
    place = int(np.argmax(both))
    return float(steps.usd[place]), float(steps.seconds[place]), place + 1


@dataclass(frozen=True, eq=False)
class Clusters:
    """The runs on several workloads.

    Attributes:
        tables: By workload.
        runs: By workload and method, one a seed in the order of the seeds.
    """

    tables: Mapping[str, Table]
    runs: Mapping[str, Mapping[str, Sequence[Run]]]

    def spent(self, workload: str, method: str) -> Array:
        """USD, seconds and runs by seed, (seeds, 3)."""
        table = self.tables[workload]
        return np.array([until_both(table, one.steps) for one in self.runs[workload][method]])

    @property
    def methods(self) -> list[str]:
        """Those that ran on every workload."""
        first = next(iter(self.runs.values()), {})
        return [name for name in first if all(name in each for each in self.runs.values())]


def over_ours(told: Clusters, other: str, column: int, *, ours: str = OURS) -> Estimate:
    """Mean over workloads of the ratio of mean spends; workloads and seeds are resampled."""
    pairs = [
        paired(told.spent(name, other)[:, column], told.spent(name, ours)[:, column])
        for name in told.runs
    ]
    value = float(np.mean([a.mean() / b.mean() for a, b in pairs]))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES // 5):
        chosen = rng.integers(len(pairs), size=len(pairs))
        ratios = []
        for index in chosen:
            a, b = pairs[index]
            seeds = rng.integers(len(a), size=len(a))
            ratios.append(a[seeds].mean() / b[seeds].mean())
        drawn.append(float(np.mean(ratios)))
    ordered = np.sort(drawn)
    low, high = (float(ordered[round(level * (len(ordered) - 1))]) for level in LEVELS)
    return Estimate(value, low, high)


COLUMNS = {"usd": 0, "seconds": 1}


def figures_of(told: Clusters) -> Iterator[Figure]:
    """What was promised: against the better of the references."""
    methods = told.methods
    references = [name for name in REFERENCES if name in methods]
    if OURS not in methods or not references:
        return
    for what, target in TARGETS.items():
        column = COLUMNS[what]
        found = min(
            (over_ours(told, name, column) for name in references), key=lambda one: one.value
        )
        yield at_least(
            f"{what} to a fast and a cheap cluster, best of {' and '.join(references)} / Auto",
            found.value,
            target=target,
            interval=found.interval,
        )
        rivals = [name for name in methods if METHODS[name].kind in ("control", "peer")]
        every = {name: over_ours(told, name, column) for name in rivals}
        best = min(every, key=lambda name: every[name].value)
        yield Figure(
            name=f"{what} to a fast and a cheap cluster, best other ({best}) / Auto",
            value=every[best].value,
            interval=every[best].interval,
        )


def controls_of(told: Clusters) -> dict[str, object]:
    """Every method: ratios to ours, and mean spends by workload."""
    return {name: dict(_described(told, name)) for name in told.methods}


def _described(told: Clusters, name: str) -> Iterator[tuple[str, object]]:
    if name != OURS and OURS in told.methods:
        for what, column in COLUMNS.items():
            found = over_ours(told, name, column)
            yield f"{what}, it / {OURS}", [found.value, found.low, found.high]
    for workload in told.runs:
        yield workload, [round(float(one), 2) for one in told.spent(workload, name).mean(0)]


def plots_of(told: Clusters) -> dict[str, str]:
    """SVG by file name: ratios to ours."""
    others = [name for name in told.methods if name != OURS]
    return {
        what: bars(
            {name: over_ours(told, name, column) for name in others},
            title=f"{what} until a fast and a cheap cluster are found",
            x_label=f"times those of {OURS}",
            reference=1.0,
            log=True,
        )
        for what, column in COLUMNS.items()
        if OURS in told.methods and others
    }
