"""The candidates among which the next trial is chosen.

Four kinds: points all over the space; moves from the best trials, of many sizes and mostly of few
coordinates; the best trials with one category or instance type changed; and completions of
prefixes, whose first stages are taken from a trial that ran them, with the rest from all over,
from around that trial and from around the best ones. All are snapped to typed configurations, and
each is there once.

C candidates of D = d + g coordinates: the parameters', then the groups' (see `Cube`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.cube import Cube
from tuner.acquisition.moves import flips, perturb
from tuner.acquisition.sampling import sobol_uniform
from tuner.surrogates import Points

SCALES = (0.003, 0.3)
"""Moves have standard deviations between these, evenly on the log scale."""

NEAR = 1e-9
"""Coordinates as near as this are the same: less than a float parameter's rounding."""

_STEPS = 2.0**30
"""To tell points apart, coordinates are counted in this many steps. A power of two: values of
finite sets lie in the middle of cells, and none of them then lies between two steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """The first stages of a trial, whose output is there to be used again.

    Attributes:
        unit: The trial's coordinates, shape (D,).
        fixed: Those that the stages depend on, shape (D,).
        stages: How many stages they are.
    """

    unit: NDArray[np.float64]
    fixed: NDArray[np.bool_]
    stages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How many candidates of each kind there are, before what is there twice is dropped.

    Attributes:
        total: All of them; what is dropped is made up for from all over the space, once.
        prefixed: Share of `total` that completes prefixes, if there are any.
        least: Completions of each prefix at least.
        local: Share of the others that starts from the best trials, if there are any.
        flips: Changes of one category or instance type at most; they come on top.
    """

    total: int = 2200
    prefixed: float = 0.4
    least: int = 12
    local: float = 0.5
    flips: int = 128


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates.

    Attributes:
        unit: Their coordinates, snapped, shape (C, D).
        points: The same as surrogates are asked about them, at full fidelity.
        prefix: Index of the prefix of most stages that each shares, -1 for none, shape (C,).
    """

    unit: NDArray[np.float64]
    points: Points
    prefix: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.unit)

    def free(self, prefixes: Sequence[Prefix]) -> NDArray[np.bool_]:
        """Which coordinates may change if each candidate is to keep its prefix, shape (C, D)."""
        fixed = np.array([each.fixed for each in prefixes], dtype=np.bool_)
        none = np.zeros((1, self.unit.shape[1]), dtype=np.bool_)
        return ~np.concatenate([fixed.reshape(-1, self.unit.shape[1]), none])[self.prefix]


def candidates(
    cube: Cube,
    *,
    incumbents: NDArray[np.float64],
    prefixes: Sequence[Prefix] = (),
    tried: NDArray[np.float64] | None = None,
    further: NDArray[np.float64] | None = None,
    size: PoolSize | None = None,
    rng: np.random.Generator,
) -> Pool:
    """The pool of a proposal.

    Args:
        cube: The space and the instance types.
        incumbents: The best trials, the most important first, snapped, shape (k, D).
        prefixes: What may be completed; those of stages that are not there are not for here.
        tried: What not to propose again, snapped, shape (t, D).
        further: Candidates from elsewhere that are to be in the pool too, shape (f, D).
        size: How many of what.
        rng: Draws them.
    """
    size = size or PoolSize()
    best = _filled(cube, incumbents, rng)
    seen = incumbents[:0] if tried is None else tried
    parts = _parts(cube, incumbents, best, prefixes, size, rng)
    if further is not None:
        parts.append(further)
    unit = _new(cube, np.concatenate(parts), seen)
    missing = size.total - len(unit)
    if missing > 0:
        more = sobol_uniform(missing, len(cube), rng=rng)
        unit = _new(cube, np.concatenate([unit, more]), seen)
    prefix = deepest(unit, prefixes)
    for index in np.unique(prefix[prefix >= 0]):
        # Exactly the owner's coordinates: snapping may move their last place.
        fixed = prefixes[index].fixed
        unit[np.ix_(prefix == index, fixed)] = prefixes[index].unit[fixed]
    return Pool(unit, cube.points(unit), prefix)


def deepest(unit: NDArray[np.float64], prefixes: Sequence[Prefix]) -> NDArray[np.intp]:
    """Index of the prefix of most stages that each point shares, -1 for none: (C, D) -> (C,)."""
    found = np.full(len(unit), -1, dtype=np.intp)
    for index in sorted(range(len(prefixes)), key=lambda i: prefixes[i].stages):
        each = prefixes[index]
        off = np.abs(unit[:, each.fixed] - each.unit[each.fixed])
        found[np.all(off < NEAR, axis=1)] = index
    return found


def _parts(
    cube: Cube,
    incumbents: NDArray[np.float64],
    best: NDArray[np.float64],
    prefixes: Sequence[Prefix],
    size: PoolSize,
    rng: np.random.Generator,
) -> list[NDArray[np.float64]]:
    per_prefix = max(size.least, int(size.prefixed * size.total) // max(len(prefixes), 1))
    others = size.total - per_prefix * len(prefixes) if prefixes else size.total
    others = max(others, size.total // 4)
    local = int(size.local * others) if len(best) else 0
    everywhere = sobol_uniform(others - local + per_prefix // 3 * len(prefixes), len(cube), rng=rng)
    parts = [
        everywhere[: others - local],
        flips(incumbents, coordinates=cube.coordinates, most=size.flips),
    ]
    if local:
        parts.append(_around(cube, best, local, np.ones(len(cube), dtype=np.bool_), rng))
    spare = everywhere[others - local :]
    for index, prefix in enumerate(prefixes):
        share = slice(index * (per_prefix // 3), (index + 1) * (per_prefix // 3))
        parts.extend(_completions(cube, prefix, best, spare[share], per_prefix, rng))
    return parts


def _completions(
    cube: Cube,
    prefix: Prefix,
    best: NDArray[np.float64],
    everywhere: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """The prefix with the rest of points all over, of its owner and of the best, moved."""
    owner = _filled(cube, prefix.unit[None], rng)
    around = count - len(everywhere)
    borrowed = around // 2 if len(best) else 0
    free = ~prefix.fixed
    parts = [
        np.where(prefix.fixed, prefix.unit, everywhere),
        _around(cube, owner, around - borrowed, free, rng),
    ]
    if borrowed:
        grafted = np.where(prefix.fixed, prefix.unit, best)
        plain = grafted[: borrowed // 2]
        parts += [plain, _around(cube, grafted, borrowed - len(plain), free, rng)]
    return parts


def _around(
    cube: Cube,
    centres: NDArray[np.float64],
    count: int,
    free: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Moves from each centre in turn, shape (count, D)."""
    base = np.resize(np.arange(len(centres)), count)
    low, high = np.log(SCALES)
    return perturb(
        centres[base],
        scale=np.exp(rng.uniform(low, high, size=count)),
        free=np.broadcast_to(free, (count, len(cube))),
        coordinates=cube.coordinates,
        rng=rng,
    )


def _filled(cube: Cube, unit: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The points with inactive parameters anywhere, for moves that make them active."""
    active = cube.points(unit).active
    idle = np.zeros(unit.shape, dtype=np.bool_)
    idle[:, : active.shape[1]] = ~active
    return np.where(idle, rng.random(unit.shape), unit)


def _new(cube: Cube, unit: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """The configurations at these points, each once and without those seen, in order."""
    snapped = cube.unit(cube.points(unit))
    steps = np.rint(np.concatenate([seen, snapped]) * _STEPS).astype(np.int64)
    _, first = np.unique(steps, axis=0, return_index=True)
    return np.asarray(snapped[np.sort(first[first >= len(seen)] - len(seen))], dtype=np.float64)
