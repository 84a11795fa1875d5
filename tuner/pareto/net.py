"""The order inside a front: spread out first, as a net that is refined step by step.

Salinas et al. (2021) order a front as an epsilon-net: each next point is the farthest from those
before it. That takes as many distances as there are pairs, seconds among thousands of points. Here
the net is made of cells: of all points the best one comes first; then the space of ranks is halved
along every objective, again and again, and after each halving come the best points of the cells
that have none yet. So the points up to step k leave none of the front farther than the diagonal of
a cell, 2 ** -k of the whole, and a point's place takes a few passes over the front.

Cells lie between ranks, not values: a change of unit or a monotone rescaling of an objective
changes nothing, and no objective outweighs another. Ranks are doubled so that average ranks of
ties are whole numbers; with them every comparison is exact, on every machine, and does not depend
on the order in which the objectives are listed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

BITS = 32
"""Halvings until a cell holds one rank, for up to two thousand million points."""

Ranks = tuple[int, ...]
Key = tuple[int, Ranks, str]
"""How good a point is: sum of ranks, the worst ranks first, name."""


def scaled_ranks(
    points: Sequence[Sequence[float]], *, among: Sequence[Sequence[float]]
) -> list[Ranks]:
    """The average rank of each point's values among those of `among`, as a part of 2 ** BITS."""
    if not points:
        return []
    columns = [
        _column_ranks(own, sorted(everyone))
        for own, everyone in zip(zip(*points, strict=True), zip(*among, strict=True), strict=True)
    ]
    return list(zip(*columns, strict=True))


def net_order(names: Mapping[Ranks, str]) -> list[Ranks]:
    """The points of a front in the order of the net.

    Args:
        names: A distinct name of each point. The better of two is the one with the lesser sum of
            ranks, then with the more balanced ranks, then with the lesser name.
    """
    left = sorted(names, key=lambda ranks: _key(ranks, names.__getitem__))
    order: list[Ranks] = []
    for bits in range(BITS, -1, -1):
        taken = {_cell(ranks, bits) for ranks in order}
        fresh: dict[Ranks, Ranks] = {}
        for ranks in left:
            cell = _cell(ranks, bits)
            if cell not in taken:
                fresh.setdefault(cell, ranks)
        order.extend(fresh.values())
        chosen = set(fresh.values())
        left = [ranks for ranks in left if ranks not in chosen]
        if not left:
            break
    return order


def weight_before(
    own: Ranks,
    *,
    points: Sequence[Ranks],
    name: Callable[[Ranks], str],
    weights: Mapping[Ranks, int],
) -> int:
    """What the points before `own` in the order of the net weigh in sum.

    The same as adding up along `net_order`, without ordering anything: the best point of a cell is
    the best of the smaller cell that it lies in as well, so those that came up to a step are the
    best of that step's cells.

    Args:
        own: One of the points.
        points: A whole front.
        name: A distinct name of each point; asked for only where points are equally good.
        weights: Of the points; what is not named weighs 1.
    """
    ahead = _better(own, points, name)
    if not ahead:
        return 0
    # The step at which `own` has a cell without any better point.
    columns = zip(*ahead, strict=True)
    apart = ([rank ^ mine for rank in column] for column, mine in zip(columns, own, strict=True))
    bits = min(map(max, zip(*apart, strict=True))).bit_length()
    if not weights:
        return _cells(points, bits) + _cells(ahead, bits - 1) - _cells(ahead, bits)
    earlier = _best(points, bits, name=name)
    now = _best(ahead, bits - 1, name=name)
    chosen = {*earlier, *now}
    return sum(weights.get(ranks, 1) for ranks in chosen)


def _better(own: Ranks, points: Sequence[Ranks], name: Callable[[Ranks], str]) -> list[Ranks]:
    total, worst = sum(own), _worst_first(own)
    sums = list(map(sum, points))
    ahead = [ranks for ranks, each in zip(points, sums, strict=True) if each < total]
    for ranks in (ranks for ranks, each in zip(points, sums, strict=True) if each == total):
        other = _worst_first(ranks)
        if other < worst or (other == worst and ranks != own and name(ranks) < name(own)):
            ahead.append(ranks)
    return ahead


def _best(points: Iterable[Ranks], bits: int, *, name: Callable[[Ranks], str]) -> Iterable[Ranks]:
    """The best point of each cell."""
    worst_first = sorted(points, key=lambda ranks: _key(ranks, name), reverse=True)
    return {_cell(ranks, bits): ranks for ranks in worst_first}.values()


def _cells(points: Iterable[Ranks], bits: int) -> int:
    """How many cells hold any of the points."""
    columns = ([rank >> bits for rank in column] for column in zip(*points, strict=True))
    return len(set(zip(*columns, strict=True)))


def _cell(ranks: Ranks, bits: int) -> Ranks:
    return tuple([rank >> bits for rank in ranks])


def _key(ranks: Ranks, name: Callable[[Ranks], str]) -> Key:
    return sum(ranks), _worst_first(ranks), name(ranks)


def _worst_first(ranks: Ranks) -> Ranks:
    return tuple(sorted(ranks, reverse=True))


def _column_ranks(values: Sequence[float], ordered: Sequence[float]) -> list[int]:
    count = len(ordered)
    # First and last place of a value: twice its average rank.
    if len(values) * 8 < count:
        twice = [bisect_left(ordered, one) + bisect_right(ordered, one) - 1 for one in values]
        return [(rank << BITS) // (2 * count) for rank in twice]
    last = dict(zip(ordered, range(count), strict=True))
    if len(last) == count:
        places = ((place << BITS) // count for place in range(count))
        return list(map(dict(zip(ordered, places, strict=True)).__getitem__, values))
    first = dict(zip(reversed(ordered), range(count - 1, -1, -1), strict=True))
    return [((first[one] + last[one]) << BITS) // (2 * count) for one in values]
