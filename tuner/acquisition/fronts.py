"""Fronts as arrays: dominance, spread and distance, for many points at once.

M objectives, all minimised; n points; k points of a front.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 16
"""Doubles in one temporary: a few of them fit into a core's cache."""

FARTHEST = 1e12
"""Shortfalls are cut off here, so that their squares are numbers."""


def best_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distinct points that no other dominates, in lexicographic order: (n, M) -> (k, M)."""
    return np.unique(points[best_rows(points)], axis=0)


def best_rows(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices, rising, of the points that none dominates; equal points all are: (n, M) -> (k,)."""
    order = np.lexsort(points.T[::-1])
    return np.sort(order[_undominated(points[order])])


def first_fronts(points: NDArray[np.float64], *, count: int) -> Iterator[NDArray[np.intp]]:
    """The indices of front after front, until there are `count` points: (n, M) -> (k,) each."""
    order = np.lexsort(points.T[::-1])
    while len(order) and count > 0:
        best = _undominated(points[order])
        yield order[best]
        count -= int(best.sum())
        order = order[~best]


def _undominated(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points none dominates, of points in lexicographic order: (n, M) -> (n,)."""
    if points.shape[1] == 2:
        return _undominated_pairs(points)
    result = np.zeros(len(points), dtype=np.bool_)
    left = np.arange(len(points))
    # In lexicographic order no later point dominates an earlier one.
    while len(left):
        first = points[left[0]]
        result[left[np.all(points[left] == first, axis=1)]] = True
        left = left[np.any(points[left] < first, axis=1)]
    return result


def _undominated_pairs(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The same of two objectives: what is better in the second than all distinct ones before it."""
    distinct = np.ones(len(points), dtype=np.bool_)
    distinct[1:] = np.any(points[1:] != points[:-1], axis=1)
    second = points[distinct, 1]
    best = np.ones(len(second), dtype=np.bool_)
    best[1:] = second[1:] < np.minimum.accumulate(second)[:-1]
    return np.asarray(best[np.cumsum(distinct) - 1], dtype=np.bool_)


def dominated(points: NDArray[np.float64], front: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points are nowhere better than some point of the front: shape (n,)."""
    result = np.zeros(len(points), dtype=np.bool_)
    step = max(1, CHUNK // max(1, len(front)))
    for start in range(0, len(points), step):
        part = points[start : start + step]
        covered = np.ones((len(part), len(front)), dtype=np.bool_)
        for m in range(points.shape[1]):
            covered &= part[:, m, None] >= front[:, m]
        result[start : start + step] = covered.any(axis=1)
    return result


def shortfall(
    points: NDArray[np.float64], *, front: NDArray[np.float64], corner: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much points must fall in all objectives at once to add volume: shape (n,), from 0.

    Args:
        points: Shape (n, M).
        front: Shape (k, M); k may be 0.
        corner: The reference, shape (M,).
    """
    result = np.max(points - corner, axis=1)
    step = max(1, CHUNK // max(1, len(front)))
    for start in range(0, len(points) if len(front) else 0, step):
        part = points[start : start + step]
        behind = part[:, 0, None] - front[:, 0]
        for m in range(1, points.shape[1]):
            np.minimum(behind, part[:, m, None] - front[:, m], out=behind)
        np.maximum(
            result[start : start + step], behind.max(axis=1), out=result[start : start + step]
        )
    return np.asarray(np.clip(result, 0.0, FARTHEST), dtype=np.float64)


def spread(front: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """Indices, rising, of at most `size` points of a front that lie far from each other.

    The best in each objective come first, then always the point farthest from those chosen.

    Args:
        front: Shape (k, M), in comparable units.
        size: How many to keep.
    """
    if len(front) <= size:
        return np.arange(len(front))
    chosen = list(dict.fromkeys(int(index) for index in np.argmin(front, axis=0)))[:size]
    distance = np.full(len(front), np.inf)
    for index in chosen:
        distance = np.minimum(distance, np.sum((front - front[index]) ** 2, axis=1))
    while len(chosen) < size:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.sum((front - front[chosen[-1]]) ** 2, axis=1))
    return np.sort(np.array(chosen, dtype=np.intp))
