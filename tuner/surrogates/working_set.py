"""Which observations a model keeps when there are more than it can afford."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BEST_SHARE = 0.5


def choose(
    X: Array, priority: Array, size: int, *, best_share: float = BEST_SHARE
) -> NDArray[np.intp]:
    """Rows to keep: the best, and others spread as widely as possible.

    After the best come, one by one, the rows farthest from all that are kept (Gonzalez 1985: within
    twice the least covering radius). Ties go to the earlier row. O(n * size) in time, O(n) memory.

    Args:
        X: Inputs divided by their lengthscales, shape (n, p).
        priority: Least first, shape (n,); minus infinity for rows that must be kept.
        size: How many to keep.
        best_share: The share of `size` that goes to the best.

    Returns:
        Indices of min(n, size) rows, rising.
    """
    n = len(X)
    if n <= size:
        return np.arange(n)
    order = np.argsort(priority, kind="stable")
    must = int(np.count_nonzero(np.isneginf(priority)))
    first = min(max(round(best_share * size), must, 1), size)
    kept = [*order[:first].tolist()]
    left = order[first:]
    left.sort()
    kept.extend(left[_spread(X[left], X[order[:first]], count=size - first)].tolist())
    return np.sort(np.array(kept, dtype=np.intp))


def _spread(candidates: Array, kept: Array, *, count: int) -> NDArray[np.intp]:
    """Greedily, the candidate farthest from all kept ones and from those chosen before."""
    norms = np.einsum("ij,ij->i", candidates, candidates)
    nearest = _nearest(candidates, kept) + norms
    chosen = np.empty(count, dtype=np.intp)
    distance = np.empty(len(candidates))
    for place in range(count):
        index = int(np.argmax(nearest))
        chosen[place] = index
        np.dot(candidates, -2.0 * candidates[index], out=distance)
        distance += norms
        distance += norms[index]
        np.minimum(nearest, distance, out=nearest)
        nearest[index] = -np.inf
    return chosen


def _nearest(candidates: Array, kept: Array, *, block: int = 64) -> Array:
    """Squared distance to the nearest kept row, less the candidate's own squared norm."""
    norms = np.einsum("ij,ij->i", kept, kept)
    nearest = np.full(len(candidates), np.inf)
    for start in range(0, len(kept), block):
        rows = slice(start, start + block)
        cross = candidates @ kept[rows].T
        cross *= -2.0
        cross += norms[rows]
        np.minimum(nearest, cross.min(axis=1), out=nearest)
    return nearest


def apart(X: Array, *, least: float) -> NDArray[np.intp]:
    """Indices of the rows that differ from each kept one before them; of all, without columns.

    Args:
        X: Inputs, shape (n, p).
        least: By how much, in some column.
    """
    if not X.shape[1]:
        return np.arange(len(X))
    kept = np.zeros(len(X), dtype=np.bool_)
    for row in range(len(X)):
        away = np.abs(X[:row][kept[:row]] - X[row]).max(axis=1, initial=0.0)
        kept[row] = bool(np.all(away >= least))
    return np.flatnonzero(kept)
