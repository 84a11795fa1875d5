"""A greedy portfolio: the configurations to try first, whatever the new task turns out to be.

Each next one lowers most the mean over sources of the least regret so far (the sets of Feurer et
al. 2015, "Initializing Bayesian hyperparameter optimization via meta-learning", chosen greedily as
in Wistuba et al. 2015). With several objectives it raises most the mean hypervolume.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from tuner.surrogates.prior.tasks import Array
from tuner.surrogates.working_set import apart

SIZE = 32
WORST = 1.5
"""Regret at which a source counts as not served at all."""

NEAR = 0.03
"""Rows that differ by less in every input do not follow each other: one tells of the other."""

LOOKED_AT = 512
"""So many of the best by mean regret are looked at."""


def greedy(regret: Array, shares: Array, *, size: int = SIZE) -> list[int]:
    """Rows of a portfolio, best first; ends when nothing gains any more.

    Args:
        regret: Regret of each configuration on each source, shape (n, N): 0 best, 1 median.
        shares: Weight of each source, shape (N,).
        size: At most so many.
    """
    regret = np.minimum(regret, WORST)
    best = np.full(regret.shape[1], WORST)
    chosen: list[int] = []
    while len(chosen) < min(size, len(regret)):
        gain = np.maximum(best - regret, 0.0) @ shares
        gain[chosen] = -1.0
        row = int(gain.argmax())
        if gain[row] <= 0.0:
            break
        chosen.append(row)
        best = np.minimum(best, regret[row])
    return chosen


def then_by_mean(regret: Array, shares: Array, chosen: Sequence[int], X: Array) -> list[int]:
    """A portfolio, and after it the other rows by mean regret, none near to one before it.

    With few sources a greedy portfolio ends soon, and what was good for all of them is still the
    best that is known.

    Args:
        regret: As for `greedy`, shape (n, N).
        shares: Weight of each source, shape (N,).
        chosen: The portfolio.
        X: Inputs, shape (n, p).

    Returns:
        At most `SIZE` rows.
    """
    mean = np.minimum(regret, WORST) @ shares
    taken = set(chosen)
    by_mean = (int(row) for row in np.argsort(mean, kind="stable") if int(row) not in taken)
    rows = np.array([*chosen, *islice(by_mean, LOOKED_AT)], dtype=np.intp)
    away = rows[apart(X[rows], least=NEAR)].tolist()
    return [*chosen, *(row for row in away if row not in taken)][: max(SIZE, len(chosen))]


def greedy_cover(
    regrets: Sequence[Array], shares: Array, *, size: int = SIZE, samples: int = 256
) -> list[int]:
    """Rows of a portfolio for several objectives, best first, by hypervolume.

    A configuration covers the points of the unit box that are no better than it in any objective;
    the share of covered points is the hypervolume against the medians.

    Args:
        regrets: For each objective, the regret of each configuration on each source, (n, N).
        shares: Weight of each source, shape (N,).
        size: At most so many.
        samples: Points of the box.
    """
    points = _spread(samples, len(regrets))
    covers = np.ones((*regrets[0].shape, samples), dtype=np.bool_)
    for objective, regret in enumerate(regrets):
        covers &= regret[:, :, None] <= points[:, objective]
    left = np.ones(covers.shape[1:], dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < min(size, len(covers)):
        gain = (covers & left).sum(axis=2) @ shares
        row = int(gain.argmax())
        if gain[row] <= 0.0:
            break
        chosen.append(row)
        left &= ~covers[row]
    return chosen


def _spread(count: int, dimensions: int) -> Array:
    """Evenly spread points of the unit box, shape (count, dimensions): a Kronecker sequence."""
    roots = np.sqrt(np.array(_PRIMES[:dimensions], dtype=np.float64))
    return np.asarray((0.5 + np.arange(count)[:, None] * roots) % 1.0)


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
