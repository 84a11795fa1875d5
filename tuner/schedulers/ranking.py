"""The order of a rung: fronts first, spread out inside a front, failures last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, compress

from tuner.pareto import doubled_ranks, epsilon_net, oriented, sort_into_fronts
from tuner.schedulers._protocol import RungRecord

Groups = dict[tuple[float, ...], list[str]]
"""Trials by oriented vector."""


def count_better(rung: Sequence[RungRecord], *, trial: str, minimize: Sequence[bool]) -> int:
    """How many trials of the rung stand strictly before `trial`, which must be among them.

    The order is: non-dominated fronts; inside a front the epsilon-net of `tuner.pareto`; last,
    together, trials with a value that is not finite. Trials with equal vectors share a place. An
    objective for which no trial has a finite value is left out.

    Args:
        rung: One record a trial.
        trial: Whose place is asked for.
        minimize: For each objective whether lower is better.
    """
    groups = _finite(rung, minimize)
    own = next((point for point, names in groups.items() if trial in names), None)
    if own is None:
        return sum(map(len, groups.values()))
    points = list(groups)
    fronts = sort_into_fronts(points)
    mine = fronts[points.index(own)]
    earlier = compress(points, (front < mine for front in fronts))
    peers = list(compress(points, (front == mine for front in fronts)))
    return sum(len(groups[point]) for point in earlier) + _before(own, peers, groups)


def _before(own: tuple[float, ...], peers: Sequence[tuple[float, ...]], groups: Groups) -> int:
    """How many trials of the same front stand before the point `own`."""
    if len(peers) == 1:
        return 0
    everyone = list(chain.from_iterable([point] * len(names) for point, names in groups.items()))
    ranks = doubled_ranks(peers, among=everyone)
    better = 0
    for index in epsilon_net(ranks, names=[min(groups[point]) for point in peers]):
        if peers[index] == own:
            break
        better += len(groups[peers[index]])
    return better


def _finite(rung: Sequence[RungRecord], minimize: Sequence[bool]) -> Groups:
    """Trials by oriented vector, those with a value that is not finite left out."""
    compared = [
        any(math.isfinite(record.vector[index]) for record in rung)
        for index in range(len(minimize))
    ]
    directions = list(compress(minimize, compared))
    groups: Groups = {}
    for record in rung:
        vector = tuple(compress(record.vector, compared))
        if vector and all(map(math.isfinite, vector)):
            groups.setdefault(oriented(vector, minimize=directions), []).append(record.trial)
    return groups
