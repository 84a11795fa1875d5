"""Exact non-dominated sorting in O(n log n) for up to three objectives.

Points are visited in lexicographic order, so that only earlier ones can dominate a later one, and
binary search finds the first front that does not dominate it (Zhang et al. 2015, efficient
non-dominated sort). For up to three objectives a front is a staircase, which answers in
logarithmic time; for more, the set of a point's dominators is a bit set.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import groupby

Point = tuple[float, ...]


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether `a` is nowhere worse than `b` and somewhere better, lower being better."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(
        x < y for x, y in zip(a, b, strict=True)
    )


def oriented(point: Sequence[float], *, minimize: Sequence[bool]) -> Point:
    """The point with objectives to maximise negated, so that lower is better everywhere."""
    return tuple(value if lower else -value for value, lower in zip(point, minimize, strict=True))


def sort_into_fronts(points: Sequence[Point]) -> list[int]:
    """The front, from 0, of each of these distinct points; lower is better.

    Front 0 holds what no point dominates, front 1 what only front 0 dominates, and so on. Points
    that are not finite may be infinite but not NaN.
    """
    if not points:
        return []
    if len(points[0]) > _Staircase.MAX_OBJECTIVES:
        return _sort_by_bit_sets(points)
    fronts = [0] * len(points)
    staircases: list[_Staircase] = []
    for index in sorted(range(len(points)), key=points.__getitem__):
        point = points[index]
        # Called before the loop goes on.
        rank = _first(len(staircases), lambda k: not staircases[k].covers(point))  # noqa: B023
        if rank == len(staircases):
            staircases.append(_Staircase())
        staircases[rank].add(point)
        fronts[index] = rank
    return fronts


def non_dominated_sort(
    points: Sequence[Sequence[float]], *, minimize: Sequence[bool]
) -> list[list[int]]:
    """Indices of the points, front by front, the best first.

    Equal points share a front. Points with a value that is not finite come last, together.

    Example:
        >>> non_dominated_sort([(1, 5), (2, 2), (3, 3)], minimize=(True, True))
        [[0, 1], [2]]
    """
    groups, rest = _group(points, minimize)
    distinct = list(groups)
    fronts: list[list[int]] = []
    for point, rank in zip(distinct, sort_into_fronts(distinct), strict=True):
        fronts.extend([] for _ in range(rank + 1 - len(fronts)))
        fronts[rank].extend(groups[point])
    return [sorted(front) for front in fronts] + ([rest] if rest else [])


def pareto_front(points: Sequence[Sequence[float]], *, minimize: Sequence[bool]) -> list[int]:
    """Indices of the points that none dominates, rising; equal points all stand on the front.

    Points with a value that is not finite are never on it.
    """
    groups, _ = _group(points, minimize)
    distinct = list(groups)
    if len(minimize) > _Staircase.MAX_OBJECTIVES:
        ranks = sort_into_fronts(distinct)
        best = [point for point, rank in zip(distinct, ranks, strict=True) if rank == 0]
    else:
        best = _first_front(distinct)
    return sorted(index for point in best for index in groups[point])


class _Staircase:
    """One front's reach over the second and third objective (absent ones count as 0).

    Points arrive in lexicographic order, so the first objective need not be looked at again.
    """

    MAX_OBJECTIVES = 3

    def __init__(self) -> None:
        self._second: list[float] = []
        self._third: list[float] = []

    def covers(self, point: Point) -> bool:
        """Whether a point seen so far is nowhere worse in the second and third objective."""
        second, third = _tail(point)
        left = bisect_right(self._second, second)
        return left > 0 and self._third[left - 1] <= third

    def add(self, point: Point) -> None:
        """Takes in a point that is not covered."""
        second, third = _tail(point)
        start = bisect_left(self._second, second)
        end = start
        while end < len(self._third) and self._third[end] >= third:
            end += 1
        self._second[start:end] = [second]
        self._third[start:end] = [third]


def _tail(point: Point) -> tuple[float, float]:
    size = len(point)
    return (point[1] if size > 1 else 0.0, point[2] if size > 2 else 0.0)


def _first_front(points: Sequence[Point]) -> list[Point]:
    staircase = _Staircase()
    front = []
    for point in sorted(points):
        if not staircase.covers(point):
            staircase.add(point)
            front.append(point)
    return front


def _sort_by_bit_sets(points: Sequence[Point]) -> list[int]:
    """Any number of objectives in O(m n^2 / 64): bit k stands for the k-th point in order."""
    order = sorted(range(len(points)), key=points.__getitem__)
    ordered = [points[index] for index in order]
    dominators = [(1 << position) - 1 for position in range(len(ordered))]
    for objective in range(1, len(ordered[0])):
        _keep_no_worse(dominators, [point[objective] for point in ordered])
    members: list[int] = []
    fronts = [0] * len(points)
    for position, above in enumerate(dominators):
        # Called before the loop goes on.
        rank = _first(len(members), lambda k: not members[k] & above)  # noqa: B023
        if rank == len(members):
            members.append(0)
        members[rank] |= 1 << position
        fronts[order[position]] = rank
    return fronts


def _keep_no_worse(dominators: list[int], values: Sequence[float]) -> None:
    """Strikes out of every point's dominators those with a greater value."""
    by_value = sorted(range(len(values)), key=values.__getitem__)
    no_worse = 0
    for _, group in groupby(by_value, key=values.__getitem__):
        positions = list(group)
        for position in positions:
            no_worse |= 1 << position
        for position in positions:
            dominators[position] &= no_worse


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The least k below `count` with `holds(k)`, which stays true once it is; else `count`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _group(
    points: Sequence[Sequence[float]], minimize: Sequence[bool]
) -> tuple[dict[Point, list[int]], list[int]]:
    """Indices by distinct oriented point, and indices of the points that are not finite."""
    groups: dict[Point, list[int]] = {}
    rest: list[int] = []
    for index, point in enumerate(points):
        if all(map(math.isfinite, point)):
            groups.setdefault(oriented(point, minimize=minimize), []).append(index)
        else:
            rest.append(index)
    return groups, rest
