"""Exact hypervolume by slicing along the last objective (HSO, While et al. 2006)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from tuner.pareto.dominance import Point, oriented, pareto_front


def hypervolume(
    points: Sequence[Sequence[float]],
    reference: Sequence[float],
    *,
    minimize: Sequence[bool] | None = None,
) -> float:
    """The volume that the points dominate, up to the reference point.

    Points that are not better than the reference in every objective add nothing, nor do points
    with a value that is not finite.

    Args:
        points: Objective vectors.
        reference: A vector worse than all that should count.
        minimize: For each objective whether lower is better; None for all.

    Example:
        >>> hypervolume([(1, 2), (2, 1)], (3, 3))
        3.0
    """
    directions = [True] * len(reference) if minimize is None else minimize
    corner = oriented(reference, minimize=directions)
    inside = [
        point
        for point in (oriented(each, minimize=directions) for each in points)
        if all(map(math.isfinite, point))
        and all(value < bound for value, bound in zip(point, corner, strict=True))
    ]
    return _volume(inside, corner)


def _volume(points: list[Point], corner: Point) -> float:
    if not points:
        return 0.0
    lower = [True] * len(corner)
    front = sorted({points[index] for index in pareto_front(points, minimize=lower)})
    if len(corner) == 1:
        return corner[0] - front[0][0]
    if len(corner) == 2:
        return _area(front, corner)
    if len(corner) == 3:
        return _sweep(front, corner)
    return _slices(front, corner)


def _area(front: Sequence[Point], corner: Point) -> float:
    """The area under a front sorted by its first objective."""
    ends = [point[0] for point in front[1:]] + [corner[0]]
    return math.fsum(
        (end - point[0]) * (corner[1] - point[1]) for point, end in zip(front, ends, strict=True)
    )


def _sweep(front: Sequence[Point], corner: Point) -> float:
    """The volume below a front of three objectives: an area that grows along the third."""
    layers = sorted(front, key=lambda point: point[2])
    stairs: list[Point] = []
    area = 0.0
    parts = []
    for position, (x, y, z) in enumerate(layers):
        area += _gain(stairs, x, y, corner)
        top = layers[position + 1][2] if position + 1 < len(layers) else corner[2]
        parts.append(area * (top - z))
    return math.fsum(parts)


def _gain(stairs: list[Point], x: float, y: float, corner: Point) -> float:
    """Puts (x, y) on a staircase, x rising and y falling; the area that this adds."""
    start = bisect_left(stairs, (x, y))
    height = stairs[start - 1][1] if start else corner[1]
    if height <= y:
        return 0.0
    gained = []
    left = x
    end = start
    while end < len(stairs) and stairs[end][1] >= y:
        gained.append((stairs[end][0] - left) * (height - y))
        left, height = stairs[end]
        end += 1
    right = stairs[end][0] if end < len(stairs) else corner[0]
    gained.append((right - left) * (height - y))
    stairs[start:end] = [(x, y)]
    return math.fsum(gained)


def _slices(front: Sequence[Point], corner: Point) -> float:
    """More objectives: slabs between successive values of the last, each one dimension lower."""
    layers = sorted(front, key=lambda point: point[-1])
    parts = []
    for position, point in enumerate(layers):
        top = layers[position + 1][-1] if position + 1 < len(layers) else corner[-1]
        if top > point[-1]:
            slab = [each[:-1] for each in layers[: position + 1]]
            parts.append(_volume(slab, corner[:-1]) * (top - point[-1]))
    return math.fsum(parts)
