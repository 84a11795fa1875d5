"""From runs to figures: dollars to a share of the reachable front, against peers and ablations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks._report import Figure
from benchmarks._statistics import mean, median, ratio, win_tie_loss
from benchmarks.frontier.methods import METHODS, OURS
from benchmarks.frontier.runs import Run

SHARE = 0.95
SHARES = (0.8, 0.9, SHARE)
TARGET = 3.0
GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Table:
    """The runs on one problem, by method, one a seed in the order of the seeds."""

    problem: str
    runs: Mapping[str, Sequence[Run]]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> dict[str, Table]:
        """Tables by problem."""
        grouped: dict[str, dict[str, list[Run]]] = {}
        for one in sorted(runs, key=lambda run: run.task.seed):
            methods = grouped.setdefault(one.task.problem, {})
            methods.setdefault(one.task.method, []).append(one)
        return {problem: cls(problem, methods) for problem, methods in grouped.items()}

    def kind(self, *kinds: str) -> list[str]:
        """Names of the methods of some kinds that ran."""
        return [name for name in self.runs if METHODS[name].kind in kinds]

    def spent_to(self, method: str, share: float) -> list[float]:
        """Dollars by seed; see `Run.spent_to`."""
        return [one.spent_to(share) for one in self.runs[method]]

    def pairs(self, one: str, other: str) -> tuple[list[Run], list[Run]]:
        """The runs of two methods with the seeds that both have."""
        seeds = {run.task.seed for run in self.runs[one]} & {
            run.task.seed for run in self.runs[other]
        }
        kept = [[run for run in self.runs[name] if run.task.seed in seeds] for name in (one, other)]
        return kept[0], kept[1]

    def best_peer(self, share: float) -> str | None:
        """The peer or control with the lowest median of dollars, then the highest end."""
        names = self.kind("peer", "control")
        return min(names, key=lambda name: self._rank(name, share), default=None)

    def _rank(self, name: str, share: float) -> tuple[float, float]:
        ends = [one.share[-1] for one in self.runs[name]]
        return float(np.median(self.spent_to(name, share))), -float(np.mean(ends))


def figures_of(table: Table) -> Iterator[Figure]:
    """What was promised, and the ablations beside it."""
    if OURS not in table.runs:
        return
    for share in SHARES:
        peer = table.best_peer(share)
        if peer is not None:
            yield _against(table, peer, share=share, promised=share == SHARE)
    if table.kind("peer", "control"):
        yield _to_their_end(table)
    for name in table.kind("ablation"):
        yield _against(table, name, share=SHARE)


def _to_their_end(table: Table) -> Figure:
    """How many times the dollars the others have to what the best of them has at its end."""
    ends = {
        name: float(np.mean([one.share[-1] for one in table.runs[name]]))
        for name in table.kind("peer", "control")
    }
    best = max(ends, key=lambda name: ends[name])
    theirs, ours = table.pairs(best, OURS)
    found = ratio(
        [one.spent[-1] for one in theirs],
        [one.spent_to(ends[best]) for one in ours],
        of="median",
    )
    return Figure(
        name=f"{table.problem}: dollars to the end of {best} ({ends[best]:.1%}), {best} / Auto",
        value=found.value,
        interval=found.interval,
    )


def _against(table: Table, other: str, *, share: float, promised: bool = False) -> Figure:
    """How many times the dollars the other one needs; a lower bound where it never got there.

    Where ours did not get there with most seeds, nothing is known, and no promise is kept.
    """
    theirs, ours = table.pairs(other, OURS)
    found = ratio(
        [one.spent_to(share) for one in theirs],
        [one.spent_to(share) for one in ours],
        of="median",
    )
    reached = sum(one.reaches(share) for one in ours) > len(ours) / 2
    best = "best peer, " if METHODS[other].kind in ("peer", "control") else ""
    return Figure(
        name=f"{table.problem}: dollars to {share:.0%} of the front, {best}{other} / Auto",
        value=found.value,
        interval=found.interval,
        target=TARGET if promised else None,
        met=reached and found.value >= TARGET if promised else None,
    )


def controls_of(table: Table) -> dict[str, object]:
    """Every method: median full runs paid, seeds that got there, share at the end, win/tie/loss."""
    return {name: dict(_described(table, name)) for name in table.runs}


def _described(table: Table, name: str) -> Iterator[tuple[str, object]]:
    runs = table.runs[name]
    for share in SHARES:
        dollars = median(table.spent_to(name, share))
        yield f"runs to {share:.0%}", [dollars.value, *dollars.interval]
        yield f"seeds that reach {share:.0%}", sum(one.reaches(share) for one in runs)
    end = mean([float(one.share[-1]) for one in runs])
    yield "share at the end", [end.value, *end.interval]
    yield "budget", runs[0].budget
    yield (
        "trials",
        {
            state: float(np.mean([one.trials.get(state, 0) for one in runs]))
            for state in sorted({state for one in runs for state in one.trials})
        },
    )
    yield "hit rate", float(np.mean([one.hit_rate for one in runs]))
    yield "proposal seconds", float(np.mean([one.proposal_seconds for one in runs]))
    if name != OURS and OURS in table.runs:
        ours, theirs = table.pairs(OURS, name)
        counted = win_tie_loss(
            [one.spent_to(SHARE) for one in ours], [one.spent_to(SHARE) for one in theirs]
        )
        yield "Auto wins, ties, loses", [counted.wins, counted.ties, counted.losses]
        yield "p", counted.p
