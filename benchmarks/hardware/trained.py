"""Figures on a network's table: what was found, against the baseline and against every control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from benchmarks._report import Figure, at_least
from benchmarks._statistics import Estimate, difference, mean, ratio, win_tie_loss
from benchmarks.hardware.found import Found, Judge
from benchmarks.hardware.methods import BASELINE, METHODS, OURS
from benchmarks.hardware.runs import Run
from benchmarks.plots import Series, lines

SHARES = (0.05, 0.1, 0.2)
"""Budgets, of the dollars of the whole table at full fidelity."""

TARGETS = {"seconds": 5.8, "usd": 8.8}
"""The ratios of the paper on joint choice of hardware and hyper-parameters (arXiv 2106.05680)."""

Value = Callable[["Trained", str, float], float]

OTHERS = ("control", "peer", "baseline")
GRID = np.geomspace(0.005, 0.2, 60)


@dataclass(frozen=True, eq=False)
class Trained:
    """The runs on one table.

    Attributes:
        judge: Of the table.
        runs: By method, one a seed in the order of the seeds.
    """

    judge: Judge
    runs: Mapping[str, Sequence[Run]]

    def found(self, method: str, share: float) -> list[Found]:
        """What each seed took away after so much of the dollars."""
        take = self.judge.most_accurate if METHODS[method].accurate else self.judge.best_of
        usd = share * self.judge.full_usd
        return [take(one.steps.until(usd)) for one in self.runs[method]]

    def values(self, method: str, share: float, what: str) -> list[float]:
        """Seconds or dollars by seed, misses with their penalty."""
        return [float(getattr(one, what)) for one in self.found(method, share)]

    def volumes(self, method: str, share: float) -> list[float]:
        """Share of the table's hypervolume by seed."""
        usd = share * self.judge.full_usd
        return [self.judge.volume(one.steps.until(usd)) for one in self.runs[method]]

    @cached_property
    def others(self) -> list[str]:
        """Whoever is neither ours nor an ablation of it."""
        return [name for name in self.runs if METHODS[name].kind in OTHERS]


def figures_of(told: Trained) -> Iterator[Figure]:
    """What was promised."""
    if OURS not in told.runs:
        return
    for share in SHARES:
        for what, target in TARGETS.items():
            if BASELINE in told.runs:
                yield _against_baseline(told, share, what, target)
            yield from _against_controls(told, share, what)
        yield from _volume(told, share)


def _against_baseline(told: Trained, share: float, what: str, target: float) -> Figure:
    found = over_ours(told, BASELINE, share, what)
    return at_least(
        f"{what} of the configuration found, {BASELINE} / {OURS}, {share:.0%} of the dollars",
        found.value,
        target=target,
        interval=found.interval,
    )


def _against_controls(told: Trained, share: float, what: str) -> Iterator[Figure]:
    rivals = [name for name in told.others if name != BASELINE]
    if rivals:
        best = min(rivals, key=lambda name: np.mean(told.values(name, share, what)))
        found = over_ours(told, best, share, what)
        name = f"{what} found, best other ({best}) / {OURS}, {share:.0%} of the dollars"
        yield _clearly_above(name, found, target=1.0)


def _volume(told: Trained, share: float) -> Iterator[Figure]:
    if told.others:
        best = max(told.others, key=lambda name: np.mean(told.volumes(name, share)))
        found = difference(*paired(told.volumes(OURS, share), told.volumes(best, share)))
        name = f"hypervolume, {OURS} - best other ({best}), {share:.0%} of the dollars"
        yield _clearly_above(name, found, target=0.0)


def _clearly_above(name: str, found: Estimate, *, target: float) -> Figure:
    """A figure whose interval must exclude its target."""
    return Figure(
        name=name,
        value=found.value,
        interval=found.interval,
        target=target,
        met=found.low > target,
    )


def over_ours(told: Trained, other: str, share: float, what: str) -> Estimate:
    """How many times as much the other's configuration takes; means with penalties, paired."""
    theirs, ours = told.values(other, share, what), told.values(OURS, share, what)
    return ratio(*paired(theirs, ours))


def paired(a: Sequence[float], b: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The seeds that both have: slow methods have fewer."""
    count = min(len(a), len(b))
    return a[:count], b[:count]


def controls_of(told: Trained) -> dict[str, object]:
    """Every method at every budget."""
    ideal = told.judge.ideal
    return {
        "ideal": {"seconds": ideal.seconds, "usd": ideal.usd},
        "table usd": told.judge.full_usd,
        "censored in full": float(np.mean(told.judge.table.seconds_in_full >= 600.0)),
        **{name: dict(_described(told, name)) for name in told.runs},
    }


def _described(told: Trained, name: str) -> Iterator[tuple[str, object]]:
    for share in SHARES:
        yield f"{share:.0%}", dict(_at(told, name, share))
    yield "cpu seconds a run", float(np.mean([one.cpu_seconds for one in told.runs[name]]))


def _at(told: Trained, name: str, share: float) -> Iterator[tuple[str, object]]:
    yield "seeds with a good one", float(np.mean([one.any for one in told.found(name, share)]))
    for what in TARGETS:
        yield what, _told(mean(told.values(name, share, what)))
        if name != OURS and OURS in told.runs:
            yield f"{what}, it / {OURS}", _told(over_ours(told, name, share, what))
            ours, theirs = paired(told.values(OURS, share, what), told.values(name, share, what))
            counted = win_tie_loss(ours, theirs)
            yield f"{what}, wins, ties, losses", [counted.wins, counted.ties, counted.losses]
    yield "hypervolume", _told(mean(told.volumes(name, share)))
    if name != OURS and OURS in told.runs:
        gap = difference(*paired(told.volumes(OURS, share), told.volumes(name, share)))
        yield f"hypervolume, {OURS} - it", _told(gap)


def _told(one: Estimate) -> list[float]:
    return [one.value, one.low, one.high]


def plots_of(told: Trained) -> dict[str, str]:
    """SVG by file name: survival, PAR-2 of seconds and dollars, and hypervolume over dollars."""
    made = {"survival": _plot(told, "seeds without a good configuration", _missing)}
    for what in TARGETS:
        label = f"{what} of the configuration found (PAR-2)"
        made[what] = _plot(told, label, partial(_mean_value, what=what), log=True)
    made["hypervolume"] = _plot(told, "share of the table's hypervolume", _mean_volume)
    return made


def _mean_value(told: Trained, method: str, share: float, *, what: str) -> float:
    return float(np.mean(told.values(method, share, what)))


def _missing(told: Trained, method: str, share: float) -> float:
    return float(np.mean([not one.any for one in told.found(method, share)]))


def _mean_volume(told: Trained, method: str, share: float) -> float:
    return float(np.mean(told.volumes(method, share)))


def _plot(told: Trained, label: str, value: Value, *, log: bool = False) -> str:
    return lines(
        [
            Series(
                name=name,
                x=GRID.tolist(),
                y=[float(value(told, name, share)) for share in GRID],
                dashed=METHODS[name].kind != "ours",
            )
            for name in told.runs
        ],
        title=told.judge.table.declared.name,
        x_label="share of the table's dollars spent",
        y_label=label,
        log_x=True,
        log_y=log,
    )
