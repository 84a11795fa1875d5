"""Where one point stands among many: what lies in earlier fronts, and who shares its front.

A decision asks for one point's place only. Its front is the length of the longest chain of points
that dominate it, so those alone say which front it is; whatever it dominates lies in later fronts
and decides nothing; and no front beyond its own needs to be told from the next.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from tuner.pareto.dominance import Point, sort_into_fronts

Split = tuple[list[Point], list[Point]]
"""Points in earlier fronts, and points of the same front."""


def split_at(points: Sequence[Point], *, own: Point) -> Split:
    """The points in fronts before that of `own`, and those of its own front, itself included.

    Args:
        points: Distinct and without NaN, lower is better; `own` is among them.
        own: The point asked for.
    """
    front = _chain(_dominators(points, own))
    others = _not_dominated_by(points, own)
    if len(own) == 2:
        return _split_plane(others, front=front)
    if len(own) == 3:
        return _split_space(others, front=front)
    ranks = sort_into_fronts(others)
    earlier = [point for point, rank in zip(others, ranks, strict=True) if rank < front]
    return earlier, [point for point, rank in zip(others, ranks, strict=True) if rank == front]


def _dominators(points: Sequence[Point], own: Point) -> list[Point]:
    """The points that are nowhere worse than `own`, itself left out."""
    left = list(points)
    for objective, bound in enumerate(own):
        left = [point for point in left if point[objective] <= bound]
    return [point for point in left if point != own]


def _not_dominated_by(points: Sequence[Point], own: Point) -> list[Point]:
    """The points that are better than `own` somewhere, and itself."""
    worse = points
    for objective, bound in enumerate(own):
        worse = [point for point in worse if point[objective] >= bound]
    dominated = {*worse} - {own}
    return [point for point in points if point not in dominated] if dominated else list(points)


def _chain(points: Sequence[Point]) -> int:
    """How many fronts the points make."""
    if points and len(points[0]) == 2:
        lows: list[float] = []
        for _, second in sorted(points):
            place = bisect_right(lows, second)
            lows[place : place + 1] = [second]
        return len(lows)
    return 1 + max(sort_into_fronts(points), default=-1)


def _split_plane(points: Sequence[Point], *, front: int) -> Split:
    """Two objectives: a front is known by the least second value that it has so far."""
    lows: list[float] = []
    earlier: list[Point] = []
    peers: list[Point] = []
    for point in sorted(points):
        second = point[1]
        place = bisect_right(lows, second)
        if place <= front:
            lows[place : place + 1] = [second]
            (peers if place == front else earlier).append(point)
    return earlier, peers


def _split_space(points: Sequence[Point], *, front: int) -> Split:
    """Three objectives: a front is a staircase over the second and third."""
    seconds: list[list[float]] = [[] for _ in range(front + 1)]
    thirds: list[list[float]] = [[] for _ in range(front + 1)]
    earlier: list[Point] = []
    peers: list[Point] = []
    reached = 0
    for point in sorted(points):
        _, second, third = point
        low, high = 0, min(reached, front + 1)
        # The last front first: most points of a long rung lie beyond it.
        middle = high - 1
        while low < high:
            place = bisect_right(seconds[middle], second)
            if place and thirds[middle][place - 1] <= third:
                low = middle + 1
            else:
                high = middle
            middle = (low + high) // 2
        if low > front:
            continue
        reached = max(reached, low + 1)
        (peers if low == front else earlier).append(point)
        _add_step(seconds[low], thirds[low], second, third)
    return earlier, peers


def _add_step(seconds: list[float], thirds: list[float], second: float, third: float) -> None:
    """Puts a point on a staircase that does not cover it."""
    start = end = bisect_left(seconds, second)
    while end < len(thirds) and thirds[end] >= third:
        end += 1
    if start == end:
        seconds.insert(start, second)
        thirds.insert(start, third)
    else:
        seconds[start:end] = [second]
        thirds[start:end] = [third]
