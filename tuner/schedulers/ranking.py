"""The order of a rung: fronts first, spread out inside a front, failures last."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import compress

from tuner.pareto import net_order, scaled_ranks, sort_into_fronts, split_at, weight_before
from tuner.pareto.net import Ranks
from tuner.schedulers._protocol import RungRecord

Vector = tuple[float, ...]


def count_better(rung: Sequence[RungRecord], *, trial: str, minimize: Sequence[bool]) -> int:
    """How many trials of the rung stand strictly before `trial`, which must be among them.

    The order is: non-dominated fronts; inside a front the net of `tuner.pareto`; last, together,
    trials with a value that is not finite. Trials with equal vectors share a place. An objective
    for which no trial has a finite value is left out.

    Args:
        rung: One record a trial.
        trial: Whose place is asked for.
        minimize: For each objective whether lower is better.
    """
    points = _points(rung, minimize)
    own = points.get(trial)
    if own is None:
        return len(points)
    everyone = list(points.values())
    distinct = list(dict.fromkeys(everyone))
    earlier, peers = split_at(distinct, own=own)
    shared = _counts(everyone) if len(distinct) < len(points) else {}
    better = _weight(earlier, shared)
    if len(peers) == 1:
        return better
    ranked = scaled_ranks(peers, among=everyone)
    weights = (
        {ranks: shared.get(point, 1) for ranks, point in zip(ranked, peers, strict=True)}
        if shared
        else {}
    )

    @cache
    def names() -> Mapping[Ranks, str]:
        known = _names(points, of=peers)
        return {ranks: known[point] for ranks, point in zip(ranked, peers, strict=True)}

    return better + weight_before(
        ranked[peers.index(own)],
        points=ranked,
        name=lambda ranks: names()[ranks],
        weights=weights,
    )


def place_of(rung: Sequence[RungRecord], *, trial: str, minimize: Sequence[bool]) -> int:
    """The 1-based place of `trial`, which must be in the rung; equal vectors stand by name."""
    points = _points(rung, minimize)
    own = points.get(trial)
    before = sum(one.trial < trial for one in rung if points.get(one.trial) == own)
    return 1 + before + count_better(rung, trial=trial, minimize=minimize)


def in_order(
    rung: Sequence[RungRecord], *, minimize: Sequence[bool]
) -> Iterator[tuple[int, list[str]]]:
    """The trials of a rung, the best first: their front from 0, and those that share a place.

    The same order as that of `count_better`.
    """
    points = _points(rung, minimize)
    names = _names(points, of=points.values())
    owners: dict[Vector, list[str]] = {}
    for trial, point in points.items():
        owners.setdefault(point, []).append(trial)
    fronts: dict[int, list[Vector]] = {}
    for point, front in zip(owners, sort_into_fronts(list(owners)), strict=True):
        fronts.setdefault(front, []).append(point)
    everyone = list(points.values())
    for front in sorted(fronts):
        ranked = scaled_ranks(fronts[front], among=everyone)
        back = dict(zip(ranked, fronts[front], strict=True))
        for ranks in net_order({ranks: names[point] for ranks, point in back.items()}):
            yield front, sorted(owners[back[ranks]])
    last = sorted(record.trial for record in rung if record.trial not in points)
    if last:
        yield len(fronts), last


def _points(rung: Sequence[RungRecord], minimize: Sequence[bool]) -> dict[str, Vector]:
    """Vectors by trial, lower being better; those with a value that is not finite left out."""
    columns: list[Sequence[float]] = []
    bad: set[int] = set()
    for lower, column in zip(
        minimize, zip(*(one.vector for one in rung), strict=True), strict=True
    ):
        finite = list(map(math.isfinite, column))
        if not any(finite):
            continue
        if not all(finite):
            bad.update(index for index, good in enumerate(finite) if not good)
        columns.append(column if lower else [-value for value in column])
    vectors: Iterable[Vector] = zip(*columns, strict=True)
    points = zip((one.trial for one in rung), vectors, strict=bool(columns))
    return dict(compress(points, (index not in bad for index in range(len(rung)))))


def _counts(points: Iterable[Vector]) -> dict[Vector, int]:
    """How many trials have a point, of those that are not alone."""
    return {point: count for point, count in Counter(points).items() if count > 1}


def _weight(points: Sequence[Vector], shared: Mapping[Vector, int]) -> int:
    return sum(shared.get(point, 1) for point in points) if shared else len(points)


def _names(points: Mapping[str, Vector], *, of: Iterable[Vector]) -> dict[Vector, str]:
    """The least name of the trials at each of these points."""
    wanted = dict.fromkeys(of, "")
    for trial, point in points.items():
        known = wanted.get(point)
        if known is not None and (not known or trial < known):
            wanted[point] = trial
    return wanted
