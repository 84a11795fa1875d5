"""The Pareto front of what is only known by draws: who is on it, how likely, and whom to try first.

A draw holds the objectives of all candidates at once, as one possible truth. What is asked of it is
who dominates whom, so nothing here depends on the objectives' units, on any rising change of their
scales, or on their order ("a probabilistic estimate of the Pareto front", Salinas, Perrone,
Cruchant and Archambeau 2021, arXiv 2106.05680; read as the share of draws).

R draws of C candidates in M objectives, all minimised; infinite where a draw breaks a constraint.
"""

from __future__ import annotations

from itertools import islice, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

POINTS = 128
"""About so many points of the objectives' box are looked at in each draw."""

MARGIN = 0.1
"""The box ends so far beyond the worst score, as a share of the scores' range: the ends of a front,
worst in one objective, are worth something."""

_BLOCK = 1 << 22


def dense_ranks(draws: Array) -> NDArray[np.int32]:
    """How many distinct values are less, among the candidates of a draw: (R, C, M) -> (R, C, M)."""
    order = np.argsort(draws, axis=1, kind="stable")
    ranked = np.take_along_axis(draws, order, axis=1)
    steps = np.zeros(draws.shape, dtype=np.int32)
    np.cumsum(ranked[:, 1:] > ranked[:, :-1], axis=1, out=steps[:, 1:])
    ranks = np.empty_like(steps)
    np.put_along_axis(ranks, order, steps, axis=1)
    return ranks


def on_front(draws: Array) -> NDArray[np.bool_]:
    """Whom no other candidate of the draw dominates: (R, C, M) -> (R, C).

    Equal candidates are on the front together; one that is infinite in an objective never is.
    """
    ranks = dense_ranks(draws)
    if ranks.shape[1] < np.iinfo(np.int16).max:
        ranks = ranks.astype(np.int16)
    totals = ranks.sum(axis=2, dtype=np.int32)
    best = np.asarray(np.isfinite(draws).all(axis=2), dtype=np.bool_)
    count = draws.shape[1]
    step = max(1, _BLOCK // max(1, count * count))
    for start in range(0, len(draws), step):
        part = slice(start, start + step)
        # Nowhere worse, and better in sum: better somewhere.
        ahead = totals[part, :, None] < totals[part, None, :]
        for one in np.moveaxis(ranks[part], 2, 0):
            ahead &= one[:, :, None] <= one[:, None, :]
        best[part] &= ~ahead.any(axis=1)
    return best


def chances(draws: Array) -> Array:
    """How likely each candidate is on the front: the share of draws, (R, C, M) -> (C,)."""
    return np.asarray(on_front(draws).mean(axis=0), dtype=np.float64)


def copula_scores(draws: Array) -> Array:
    """Each draw's objectives as normal scores of their mid-ranks: (R, C, M) -> (R, C, M).

    The Gaussian copula's margin, Phi^-1((rank - 1/2) / C), of all candidates; ties share their mean
    rank and infinite values stay. Nothing is cut off, for a draw knows its best: `normal_scores`
    cuts because the ranks of observations are uncertain.
    """
    count = draws.shape[1]
    if count < 2:
        return np.where(np.isfinite(draws), 0.0, draws)
    order = np.argsort(draws, axis=1, kind="stable")
    ranked = np.take_along_axis(draws, order, axis=1)
    place = np.arange(count)[None, :, None]
    rises = np.ones(draws.shape, dtype=np.bool_)
    rises[:, 1:] = ranked[:, 1:] > ranked[:, :-1]
    first = np.maximum.accumulate(np.where(rises, place, 0), axis=1)
    ends = np.ones_like(rises)
    ends[:, :-1] = rises[:, 1:]
    last = np.where(ends, place, count)[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    middle = np.empty(draws.shape)
    np.put_along_axis(middle, order, 0.5 * (first + last), axis=1)
    scores = ndtri((middle + 0.5) / count)
    return np.where(np.isfinite(draws), scores, draws)


def portfolio(
    draws: Array,
    *,
    given: NDArray[np.intp],
    count: int,
    allowed: NDArray[np.bool_] | None = None,
) -> list[int]:
    """The candidates that, one after the other, add most expected hypervolume to those before.

    Hypervolume is that of the draws' normal scores, up to a corner beyond the worst, and taken as
    the share of evenly spread points that are dominated.

    Args:
        draws: Shape (R, C, M).
        given: Candidates that are tried already, or will be.
        count: How many to add; fewer are, once nothing adds anything.
        allowed: Which candidates may be added, shape (C,); None for all.

    Returns:
        Indices of candidates, the first one first; none of `given`.
    """
    covers = _covers(copula_scores(draws))
    left = np.asarray(~covers[:, given].any(axis=1), dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < count:
        gain = np.count_nonzero(covers & left[:, None, :], axis=(0, 2))
        gain[given] = 0
        if allowed is not None:
            gain[~allowed] = 0
        best = int(gain.argmax())
        if not gain[best]:
            break
        chosen.append(best)
        left &= ~covers[:, best]
    return chosen


def _covers(scores: Array) -> NDArray[np.bool_]:
    """Which points of the box each candidate is nowhere worse than, shape (R, C, P)."""
    draws, count, objectives = scores.shape
    high = float(-ndtri(0.5 / max(count, 2)))
    low, high = -high, high + MARGIN * 2.0 * high
    points = low + (high - low) * _spread(draws, objectives)
    covers = np.ones((draws, count, points.shape[1]), dtype=np.bool_)
    for m in range(objectives):
        covers &= scores[:, :, None, m] <= points[:, None, :, m]
    return covers


def _spread(draws: int, objectives: int) -> Array:
    """Points of the unit box, others in each draw, shape (R, P, M): a Kronecker sequence.

    Each is there in every order of its coordinates, so that that of the objectives does not matter.
    """
    orders = list(islice(permutations(range(objectives)), POINTS))
    each = max(POINTS // len(orders), 1)
    roots = np.sqrt(np.array(_PRIMES[:objectives], dtype=np.float64))
    unit = (0.5 + np.arange(draws * each)[:, None] * roots) % 1.0
    return np.concatenate([unit.reshape(draws, each, -1)[..., list(one)] for one in orders], axis=1)


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
