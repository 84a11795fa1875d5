"""What the memoization benchmark claims, from runs with paired seeds.

A gain is a ratio of means over the seeds less one. R1: ours with a cache against the mean of the
baselines without one. R2: everyone has the cache, and ours is compared with the best baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks._report import Figure
from benchmarks._statistics import Estimate, mean, ratio, win_tie_loss
from benchmarks.baselines import BASELINES
from benchmarks.memo.methods import OURS
from benchmarks.memo.runs import Array, Run, Runs

RESAMPLES = 2000
NEVER = 2.0
"""What of its budget a method is said to need for a value that it never reached."""

GRID = np.linspace(0.0, 1.0, 1001)

Of = Callable[[Run], float]


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
            methods = found.setdefault(one.problem, {})
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

    def beside(self, runs: Runs) -> Runs:
        """Ours with the seeds of other runs: controls have fewer."""
        seeds = {run.task.seed for run in runs}
        return tuple(run for run in self.ours if run.task.seed in seeds)

    def baselines(self, *, cached: bool) -> dict[str, Runs]:
        """The paper's baselines, with or without a cache."""
        return {name: self.runs[name, cached] for name in BASELINES if (name, cached) in self.runs}

    def best(self, of: Of) -> str:
        """The baseline with a cache whose mean over the seeds is the greatest."""
        known = self.baselines(cached=True)
        return max(known, key=lambda name: float(np.mean(each(known[name], of))))


def count(run: Run) -> float:
    """Distinct configurations after the warm-up."""
    return float(run.count)


def improvement(run: Run) -> float:
    """How much better the end is than the end of the warm-up."""
    return run.improvement


def closed(runs: Runs, lowest: float) -> Estimate:
    """The share of what could be improved at all after the warm-up that was."""
    return ratio(each(runs, improvement), [run.start - lowest for run in runs])


def each(runs: Runs, of: Of) -> list[float]:
    """Of every seed."""
    return [of(run) for run in runs]


def over_mean(table: Table, of: Of) -> Estimate:
    """R1: the gain over the mean of the baselines, none of which has a cache."""
    rest = np.mean([each(runs, of) for runs in table.baselines(cached=False).values()], axis=0)
    return _less_one(ratio(each(table.ours, of), rest.tolist()))


def over_one(table: Table, name: str, of: Of) -> Estimate:
    """R2: the gain over one baseline, which has the cache too."""
    return _less_one(ratio(each(table.ours, of), each(table.runs[name, True], of)))


def spend_to_final(table: Table, name: str) -> Estimate:
    """What ours spends until it has, in the mean, what a baseline has in the end, over its spend.

    Both sides are read off mean curves over shares of the budget; the baseline's spend is where
    its own mean curve gets to its end.
    """
    ours = np.array([run.at(GRID * run.budget) for run in table.ours])
    other = np.array([run.at(GRID * run.budget) for run in table.runs[name, True]])

    def spend(seeds: Array) -> float:
        theirs = other[seeds].mean(axis=0)
        level = theirs[-1] + 1e-9 * abs(theirs[-1])
        return reached(ours[seeds].mean(axis=0), level) / max(reached(theirs, level), GRID[1])

    rng = np.random.default_rng(0)
    draws = [spend(rng.integers(table.seeds, size=table.seeds)) for _ in range(RESAMPLES)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(spend(np.arange(table.seeds)), float(low), float(high))


def reached(curve: Array, level: float) -> float:
    """The share of the budget after which a falling curve over GRID is at a level, or NEVER."""
    below = curve <= level
    return float(GRID[np.argmax(below)]) if below.any() else NEVER


def hits(runs: Runs) -> tuple[float, float]:
    """p, the share of trials with a hit, and s, the cost share of what was hit in those."""
    saved = np.concatenate([run.saved for run in runs])
    full = np.concatenate([run.full for run in runs])
    hit = saved > 0
    share = float(saved[hit].sum() / full[hit].sum()) if hit.any() else 0.0
    return float(hit.mean()) if len(hit) else 0.0, share


def net_share(runs: Runs) -> float:
    """s less what the restores cost: of the trials with hits, the cost share that was not paid."""
    hit = np.concatenate([run.saved for run in runs]) > 0
    full = np.concatenate([run.full for run in runs])[hit]
    paid = np.concatenate([run.paid for run in runs])[hit]
    return 1.0 - float(paid.sum() / full.sum()) if hit.any() else 0.0


def memo_part(runs: Runs) -> float:
    """How many times more configurations the cache alone gives.

    What the trials would have cost from scratch over what they did: how many of the same trials
    the money would have paid for without a cache.
    """
    full = sum(float(run.full.sum()) for run in runs)
    return full / sum(float(run.paid.sum()) for run in runs)


def figures_of(table: Table, *, lowest: float) -> list[Figure]:
    """All figures of one problem, with the targets that apply to it.

    Args:
        table: Its runs.
        lowest: The least value that it has, which bounds every improvement.
    """
    p, s = hits(table.ours)
    ceiling = 1.0 / (1.0 - 0.9 * s) - 1.0
    better, more = table.best(improvement), table.best(count)
    control = table.problem.endswith("-30")
    first = max(0.85 * ceiling, 1.03) if s >= 0.75 else 0.85 * ceiling
    second = 1.0 if s >= 0.8 else 0.5
    text = table.problem.startswith("text")
    found = [
        _gain("R1 configurations over the mean", over_mean(table, count), first),
        _gain("R1 improvement over the mean", over_mean(table, improvement), 1.0 if text else 0.0),
        _gain(
            f"R2 configurations over {better}, the best at the end",
            over_one(table, better, count),
            None if control else second,
        ),
        _gain(f"R2 configurations over {more}, which has most", over_one(table, more, count), None),
        _gain(
            f"R2 improvement over {better}",
            over_one(table, better, improvement),
            0.0 if control else 0.3,
        ),
        _plain("gap closed, of 1", closed(table.ours, lowest)),
        _plain(f"gap closed by {better}", closed(table.runs[better, True], lowest)),
        _plain(f"R2 improvement over {better} that is possible", _ceiling(table, better, lowest)),
        _spend(f"R2 dollars to the end of {better}, ratio", spend_to_final(table, better)),
        _memo(memo_part(table.ours) * (1.0 - p * net_share(table.ours)), is_control=control),
    ]
    if (OURS, False) in table.runs:
        plain = table.runs[OURS, False]
        gain = ratio(each(table.beside(plain), count), each(plain, count))
        name = "configurations over ours without a cache, ratio"
        found.append(Figure(name=name, value=gain.value, interval=gain.interval))
    return [_named(figure, table.problem) for figure in found]


def controls_of(table: Table) -> dict[str, object]:
    """What stands beside the figures: every method's counts, hits, costs and ends."""
    return {
        f"{method}, {'cache' if cached else 'no cache'}": _row(table, runs)
        for (method, cached), runs in sorted(table.runs.items(), key=lambda item: item[0])
    }


def _row(table: Table, runs: Runs) -> dict[str, object]:
    p, s = hits(runs)
    end = mean([run.final for run in runs])
    compared = win_tie_loss([run.final for run in table.beside(runs)], [run.final for run in runs])
    return {
        "seeds": len(runs),
        "configurations": float(np.mean(each(runs, count))),
        "of these apart": float(np.mean([run.apart.sum() for run in runs])),
        "p": p,
        "s": s,
        "s less restores": net_share(runs),
        "mean full cost": float(np.mean(np.concatenate([run.full for run in runs]))),
        "memo part": memo_part(runs),
        "improvement": float(np.mean(each(runs, improvement))),
        "end": [end.value, *end.interval],
        "ours wins, ties, losses": [compared.wins, compared.ties, compared.losses],
        "seconds per proposal": float(np.mean(np.concatenate([run.proposals for run in runs]))),
    }


def _less_one(one: Estimate) -> Estimate:
    return Estimate(one.value - 1.0, one.low - 1.0, one.high - 1.0)


def _gain(name: str, gain: Estimate, target: float | None) -> Figure:
    met = None if target is None else gain.value >= target
    return Figure(
        name=f"{name}, gain", value=gain.value, interval=gain.interval, target=target, met=met
    )


def _ceiling(table: Table, name: str, lowest: float) -> Estimate:
    """What the improvement over a baseline would be if every run ended at the least value."""
    possible = [run.start - lowest for run in table.ours]
    return _less_one(ratio(possible, each(table.runs[name, True], improvement)))


def _plain(name: str, found: Estimate) -> Figure:
    return Figure(name=name, value=found.value, interval=found.interval)


def _spend(name: str, found: Estimate) -> Figure:
    met = found.value <= 0.6 and found.high < 1.0
    return Figure(name=name, value=found.value, interval=found.interval, target=0.6, met=met)


def _memo(value: float, *, is_control: bool) -> Figure:
    name = "memo part over 1/(1 - p (s - restores))"
    if not is_control:
        return Figure(name=name, value=value)
    return Figure(name=name, value=value, target=1.0, met=abs(value - 1.0) <= 0.1)


def _named(figure: Figure, problem: str) -> Figure:
    return Figure(
        name=f"{problem}: {figure.name}",
        value=figure.value,
        interval=figure.interval,
        target=figure.target,
        met=figure.met,
    )
