"""The front that a new trial must push out, and the corner up to which volume counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.fronts import best_rows

MOST = 128
"""At most so many observed trials are looked at for the plug-in front."""

_MARGIN = 0.1

_ORDINARY = 0.9
"""The corner leaves no more than the rest of ordinary configurations beyond it."""


def leading(objectives: NDArray[np.float64], *, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of the trials that may be on the front: layer by layer, at most `MOST`.

    Args:
        objectives: To minimise, shape (N, M); rows with NaN are passed over.
        rng: Orders each layer, so that no part of a long front is always first.
    """
    left = np.flatnonzero(np.all(np.isfinite(objectives), axis=1))
    chosen: list[int] = []
    while len(left) and len(chosen) < MOST:
        layer = non_dominated(objectives[left])
        chosen.extend(rng.permutation(left[layer]).tolist())
        left = np.delete(left, layer)
    return np.array(chosen[:MOST], dtype=np.intp)


def non_dominated(objectives: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the rows that no other dominates, shape (k,), of objectives to minimise."""
    return best_rows(objectives)


def corner(
    front: NDArray[np.float64],
    seen: NDArray[np.float64],
    *,
    ordinary: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The reference point, shape (M,): a tenth of the range beyond the worst that was seen.

    A corner near the front would make its ends worthless before they are found. A study that
    begins where earlier ones expect its front sees nothing bad: then it is no nearer than what
    configurations from all over the space would come to.

    Args:
        front: Shape (k, M), k >= 1.
        seen: Everything observed at full fidelity, shape (n, M).
        ordinary: What is expected all over the space, shape (r, M).
    """
    everything = np.concatenate([front, seen])
    if not len(everything) and ordinary is not None:
        return np.asarray(np.quantile(ordinary, _ORDINARY, axis=0))
    worst = everything.max(axis=0)
    width = worst - front.min(axis=0)
    found = worst + _MARGIN * np.where(width > 0.0, width, 1.0)
    if ordinary is not None:
        found = np.maximum(found, np.quantile(ordinary, _ORDINARY, axis=0))
    return np.asarray(found)
