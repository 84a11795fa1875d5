"""Figures on NAS-Bench-201: the latency of the cell found at equal error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks._report import Figure
from benchmarks._statistics import ratio
from benchmarks.hardware.methods import METHODS, OURS
from benchmarks.hardware.runs import Run
from benchmarks.hardware.trained import paired
from benchmarks.plots import Series, lines
from benchmarks.problems.tables import Table

EVALUATIONS = (30, 100)
POINTS = (0.01, 0.02, 0.05)
"""Equal error: at most so much above the least of the data set."""

PROMISED = 0.02
TARGET = 0.9
PENALTY = 2.0


@dataclass(frozen=True, eq=False)
class Cells:
    """The runs on one data set.

    Attributes:
        table: Of the data set.
        runs: By method, one a seed in the order of the seeds.
    """

    table: Table
    runs: Mapping[str, Sequence[Run]]

    def latency(self, method: str, evaluations: int, points: float) -> list[float]:
        """Of the fastest cell of that error by seed, ms; twice the greatest if there is none."""
        errors, latencies = (self.table.values[one][:, -1] for one in ("error", "latency"))
        good = errors <= errors.min() + points
        found = []
        for run in self.runs[method]:
            rows = run.steps.row[:evaluations]
            rows = rows[good[rows]]
            least = latencies[rows].min() if len(rows) else PENALTY * latencies.max()
            found.append(float(least))
        return found

    def best_other(self, evaluations: int, points: float) -> str | None:
        """The peer or control with the lowest mean."""
        names = [name for name in self.runs if METHODS[name].kind in ("peer", "control")]
        return min(
            names, key=lambda name: np.mean(self.latency(name, evaluations, points)), default=None
        )


def figures_of(told: Cells) -> Iterator[Figure]:
    """Latency of ours over that of the best other."""
    for evaluations in EVALUATIONS:
        for points in POINTS:
            best = told.best_other(evaluations, points)
            if best is None or OURS not in told.runs:
                return
            ours = told.latency(OURS, evaluations, points)
            found = ratio(*paired(ours, told.latency(best, evaluations, points)))
            promised = points == PROMISED
            yield Figure(
                name=(
                    f"{told.table.declared.name}: latency within {100 * points:g} points of the "
                    f"best after {evaluations} evaluations, {OURS} / best other ({best})"
                ),
                value=found.value,
                interval=found.interval,
                target=TARGET if promised else None,
                met=found.value <= TARGET if promised else None,
            )


def controls_of(told: Cells) -> dict[str, object]:
    """Every method: mean latency by evaluations and error."""
    errors, latencies = (told.table.values[one][:, -1] for one in ("error", "latency"))
    ideal = {
        f"{100 * points:g}": float(latencies[errors <= errors.min() + points].min())
        for points in POINTS
    }
    return {
        "ideal": ideal,
        **{
            name: {
                f"{evaluations} evaluations, {100 * points:g} points": float(
                    np.mean(told.latency(name, evaluations, points))
                )
                for evaluations in EVALUATIONS
                for points in POINTS
            }
            for name in told.runs
        },
    }


def plots_of(told: Cells) -> dict[str, str]:
    """SVG by file name: latency over evaluations."""
    grid = list(range(1, max(EVALUATIONS) + 1))
    return {
        "latency": lines(
            [
                Series(
                    name=name,
                    x=grid,
                    y=[float(np.mean(told.latency(name, count, PROMISED))) for count in grid],
                    dashed=METHODS[name].kind != "ours",
                )
                for name in told.runs
            ],
            title=told.table.declared.name,
            x_label="evaluations",
            y_label=f"ms within {100 * PROMISED:g} points of the best (misses with their penalty)",
            log_y=True,
        )
    }
