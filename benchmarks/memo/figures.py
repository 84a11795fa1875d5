"""What the memoization benchmark claims, from runs with paired seeds.

A gain is a ratio of means over seeds less one; intervals are 95 % paired bootstrap intervals over
the seeds: the same resample for both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks._report import Figure
from benchmarks.baselines import BASELINES
from benchmarks.memo.methods import OURS
from benchmarks.memo.runs import Array, Run, Runs

RESAMPLES = 2000
NEVER = 2.0
"""What of its budget a method is said to need for a value that it never reached."""

GRID = np.linspace(0.0, 1.0, 1001)

Statistic = Callable[[Array], float]
"""Of the seeds with these indices."""


@dataclass(frozen=True)
class Table:
    """All runs on one problem.

    Attributes:
        problem: Its name.
        runs: By method and whether it had a cache; in the order of the seeds.
    """

    problem: str
    runs: Mapping[tuple[str, bool], Runs]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> dict[str, Table]:
        """The tables of all problems."""
        found: dict[str, dict[tuple[str, bool], list[Run]]] = {}
        for one in sorted(runs, key=lambda one: one.task.seed):
            methods = found.setdefault(one.task.problem, {})
            methods.setdefault((one.task.method, one.task.cached), []).append(one)
        return {
            problem: cls(problem, {key: tuple(value) for key, value in methods.items()})
            for problem, methods in found.items()
        }

    @property
    def ours(self) -> Runs:
        """Ours has its cache in both regimes."""
        return self.runs[OURS, True]

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len(self.ours)

    def baselines(self, *, cached: bool) -> dict[str, Runs]:
        """The paper's baselines, with or without a cache."""
        return {name: self.runs[name, cached] for name in BASELINES if (name, cached) in self.runs}

    def best(self, *, by: Callable[[Run], float]) -> str:
        """The baseline with a cache whose mean over the seeds is the greatest."""
        known = self.baselines(cached=True)
        return max(known, key=lambda name: float(np.mean([by(run) for run in known[name]])))


def count(run: Run) -> float:
    """Distinct configurations after the warm-up."""
    return float(run.count)


def improvement(run: Run) -> float:
    """How much better the end is than the end of the warm-up."""
    return run.improvement


def over_mean(table: Table, of: Callable[[Run], float]) -> Statistic:
    """R1: the gain over the mean of the baselines, which have no cache."""
    ours = np.array([of(run) for run in table.ours])
    rest = np.array([[of(run) for run in runs] for runs in table.baselines(cached=False).values()])
    return lambda seeds: float(ours[seeds].mean() / rest[:, seeds].mean()) - 1.0


def over_one(table: Table, name: str, of: Callable[[Run], float]) -> Statistic:
    """R2: the gain over one baseline, which has the cache too."""
    ours = np.array([of(run) for run in table.ours])
    other = np.array([of(run) for run in table.runs[name, True]])
    return lambda seeds: float(ours[seeds].mean() / other[seeds].mean()) - 1.0


def spend_to_final(table: Table, name: str) -> Statistic:
    """What ours spends until it has, in the mean, what a baseline has in the end, over its spend.

    Both sides are read off mean curves over shares of the budget; the baseline's spend is where
    its own mean curve gets to its end.
    """
    ours = np.array([run.at(GRID * run.budget) for run in table.ours])
    other = np.array([run.at(GRID * run.budget) for run in table.runs[name, True]])

    def ratio(seeds: Array) -> float:
        theirs = other[seeds].mean(axis=0)
        level = theirs[-1] + 1e-9 * abs(theirs[-1])
        return reached(ours[seeds].mean(axis=0), level) / max(reached(theirs, level), GRID[1])

    return ratio


def reached(curve: Array, level: float) -> float:
    """The share of the budget after which a falling curve over GRID is at a level, or NEVER."""
    below = curve <= level
    return float(GRID[np.argmax(below)]) if below.any() else NEVER


def interval(statistic: Statistic, seeds: int) -> tuple[float, float]:
    """The 95 % bootstrap interval over the seeds."""
    rng = np.random.default_rng(0)
    values = [statistic(rng.integers(seeds, size=seeds)) for _ in range(RESAMPLES)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def win_tie_loss(ours: Runs, other: Runs, of: Callable[[Run], float]) -> tuple[int, int, int]:
    """In how many seeds ours has more, as much, less."""
    pairs = [(of(one), of(two)) for one, two in zip(ours, other, strict=True)]
    same = [bool(np.isclose(one, two, rtol=1e-9)) for one, two in pairs]
    wins = sum(one > two and not tie for (one, two), tie in zip(pairs, same, strict=True))
    return wins, sum(same), len(pairs) - wins - sum(same)


def hits(runs: Runs) -> tuple[float, float]:
    """p and s over all trials of all seeds."""
    saved = np.concatenate([run.saved for run in runs])
    full = np.concatenate([run.full for run in runs])
    hit = saved > 0
    share = float(saved[hit].sum() / full[hit].sum()) if hit.any() else 0.0
    return float(hit.mean()) if len(hit) else 0.0, share


def memo_part(runs: Runs) -> tuple[float, float]:
    """How many times more configurations the cache alone gives: measured, and 1 / (1 - p s).

    Measured: what the trials would have cost from scratch over what they did.
    """
    p, s = hits(runs)
    full = sum(float(run.full.sum()) for run in runs)
    paid = sum(float(run.spent[-1]) for run in runs if run.count)
    return full / paid, 1.0 / (1.0 - p * s)


def figures_of(table: Table) -> list[Figure]:
    """All figures of one problem, with the targets that apply to it."""
    _, s = hits(table.ours)
    measured, predicted = memo_part(table.ours)
    ceiling = 1.0 / (1.0 - 0.9 * s) - 1.0
    name, everyone = table.problem, np.arange(table.seeds)
    by_quality, by_count = table.best(by=improvement), table.best(by=count)

    def figure(
        what: str, statistic: Statistic, target: float | None, *, less: bool = False
    ) -> Figure:
        value = statistic(everyone)
        met = None if target is None else (value <= target if less else value >= target)
        return Figure(
            name=f"{name}: {what}",
            value=value,
            interval=interval(statistic, table.seeds),
            target=target,
            met=met,
        )

    r1 = max(0.85 * ceiling, 1.03) if s >= 0.75 else 0.85 * ceiling
    r2 = 1.0 if s >= 0.8 else 0.5 if s >= 0.6 else None
    spend = figure(
        f"R2, dollars to the end of {by_quality}, ratio",
        spend_to_final(table, by_quality),
        0.6,
        less=True,
    )
    found = [
        figure("R1, configurations over the mean, gain", over_mean(table, count), r1),
        figure(
            "R1, improvement over the mean, gain",
            over_mean(table, improvement),
            1.0 if name.startswith("text") else 0.0,
        ),
        figure(
            f"R2, configurations over {by_quality}, gain", over_one(table, by_quality, count), r2
        ),
        figure(f"R2, configurations over {by_count}, gain", over_one(table, by_count, count), None),
        spend,
        figure(
            f"R2, improvement over {by_quality}, gain",
            over_one(table, by_quality, improvement),
            0.3,
        ),
        Figure(
            name=f"{name}: memo part over 1/(1 - p s)",
            value=measured / predicted,
            target=0.1,
            met=abs(measured / predicted - 1.0) <= 0.1,
        ),
    ]
    return found


def controls_of(table: Table) -> dict[str, object]:
    """What stands beside the figures: every method's counts, hits, costs and ends."""
    rows = {}
    for (method, cached), runs in sorted(table.runs.items(), key=lambda item: item[0]):
        p, s = hits(runs)
        part, _ = memo_part(runs)
        rows[f"{method}, {'cache' if cached else 'no cache'}"] = {
            "configurations": float(np.mean([run.count for run in runs])),
            "p": p,
            "s": s,
            "mean full cost": float(np.mean(np.concatenate([run.full for run in runs]))),
            "memo part": part,
            "improvement": float(np.mean([run.improvement for run in runs])),
            "end": float(np.mean([run.final for run in runs])),
            "seconds per proposal": float(np.mean(np.concatenate([run.proposals for run in runs]))),
            "ours wins, ties, losses at the end": win_tie_loss(
                table.ours, runs, lambda run: -run.final
            ),
        }
    return rows
