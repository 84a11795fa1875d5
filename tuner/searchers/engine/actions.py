"""The pool of actions: new configurations, and completions of what is cached or on its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.cube import Cube
from tuner.acquisition.pool import Pool, PoolSize, Prefix, candidates
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.prefixes import Cached, Opening, PrefixIndex

INCUMBENTS = 12
"""How many of the best trials candidates are drawn around."""

PREFIXES = 12
"""How many prefixes there are at most."""

_BEST, _RUNNING = 0.6, 0.8
_OTHERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What can be done next.

    Attributes:
        pool: The candidates.
        prefixes: What `pool.prefix` refers to.
    """

    pool: Pool
    prefixes: list[Prefix]

    @classmethod
    def of(
        cls,
        cube: Cube,
        data: StudyData,
        *,
        best: NDArray[np.intp],
        cached: Cached,
        stored: PrefixIndex,
        coming: PrefixIndex,
        size: PoolSize,
        rng: np.random.Generator,
        further: NDArray[np.float64] | None = None,
    ) -> Actions:
        """The candidates of one proposal.

        Args:
            cube: The space and the instance types.
            data: What was observed.
            best: Indices of the most promising trials, the best first.
            cached: Trials whose leading stages are in the cache.
            stored: Their prefixes.
            coming: Prefixes that running trials make.
            size: How many candidates of which kind.
            rng: Draws them.
            further: Coordinates of candidates from elsewhere, shape (f, D).
        """
        prefixes = _prefixes(
            cube, data, best=best, cached=cached, stored=stored, coming=coming, rng=rng
        )
        pool = candidates(
            cube,
            incumbents=cube.unit(data.points[best[:INCUMBENTS]]),
            prefixes=prefixes,
            tried=cube.unit(data.points),
            further=further,
            size=size,
            rng=rng,
        )
        return cls(pool=pool, prefixes=prefixes)


def _prefixes(
    cube: Cube,
    data: StudyData,
    *,
    best: NDArray[np.intp],
    cached: Cached,
    stored: PrefixIndex,
    coming: PrefixIndex,
    rng: np.random.Generator,
) -> list[Prefix]:
    """Those of the best trials, of running ones, and some at random: luck can make the best."""
    found: dict[tuple[int, int], Prefix] = {}
    running = np.flatnonzero(data.runs)[::-1]
    others = rng.permutation(np.flatnonzero(cached.depths > 0))[:_OTHERS]
    for index, share, trials in (
        (stored, _BEST, best),
        (coming, _RUNNING, running[:_OTHERS]),
        (stored, 1.0, others),
    ):
        for trial in trials.tolist():
            if len(found) >= share * PREFIXES:
                break
            point = cached.points[np.array([trial])]
            depth = int(index.depths(point)[0][0])
            for opening in index.openings(trial, most=depth):
                key = index.owner(point, opening.depth), opening.depth
                found.setdefault(key, _prefix(cube, cube.unit(point)[0], opening))
    return list(found.values())[:PREFIXES]


def _prefix(cube: Cube, unit: NDArray[np.float64], opening: Opening) -> Prefix:
    free = [index for index, group in enumerate(cube.groups) if len(group.types) > 1]
    return Prefix(
        unit=unit,
        fixed=np.concatenate([opening.fixed, opening.types[free]]),
        stages=opening.depth,
    )
