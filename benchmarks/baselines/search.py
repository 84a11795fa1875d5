"""Where an acquisition function is greatest: the same search for every baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.baselines.setting import Array, Seen, Setting
from tuner.acquisition import candidates, choose_starts, refine
from tuner.searchers._protocol import Suggestion
from tuner.searchers.engine import EngineSettings
from tuner.searchers.proposed import suggestion
from tuner.surrogates import Points

EFFORT = EngineSettings()
INCUMBENTS = 12

Score = Callable[[Points], Array]


@dataclass(frozen=True)
class Region:
    """An axis-parallel part of the unit cube; where low = high a coordinate is fixed.

    Attributes:
        low: Shape (d,).
        high: Shape (d,).
    """

    low: Array
    high: Array

    @classmethod
    def whole(cls, dimensions: int) -> Region:
        """The cube itself."""
        return cls(np.zeros(dimensions), np.ones(dimensions))

    def fixed(self, columns: np.ndarray, values: Array) -> Region:
        """The part where some coordinates have given values."""
        low, high = self.low.copy(), self.high.copy()
        low[columns] = high[columns] = values
        return Region(low, high)

    @property
    def free(self) -> np.ndarray:
        """Which coordinates are not fixed, shape (d,)."""
        return self.high > self.low

    def clip(self, unit: Array) -> Array:
        """The nearest points of the region to points of shape (n, d)."""
        return np.clip(unit, self.low, self.high)

    def spread(self, unit: Array) -> Array:
        """Points of the cube, shape (n, d), shrunk onto the region."""
        return self.low + unit * (self.high - self.low)

    def into(self, unit: Array) -> Array:
        """Points of the cube, shape (n, d), with the coordinates that are outside shrunk in."""
        inside = (unit >= self.low) & (unit <= self.high)
        return np.where(inside, unit, self.spread(unit))


def propose(
    score: Score, *, seen: Seen, setting: Setting, region: Region, rng: np.random.Generator
) -> tuple[Array, float]:
    """The best new point of a region, shape (d,), and its score.

    As the engine searches, without its prefixes: as many candidates, starts and refining steps.
    """
    cube = setting.cube
    order = np.argsort(seen.values, kind="stable")[:INCUMBENTS]
    pool = candidates(cube, incumbents=seen.points.unit[order], size=EFFORT.pool, rng=rng)
    unit = setting.points(region.into(pool.unit)).unit

    def scored(unit: Array) -> Array:
        return score(setting.points(region.clip(unit)))

    values = scored(unit)
    starts = choose_starts(unit, values, count=EFFORT.starts)
    better = refine(
        scored,
        unit[starts],
        values=values[starts],
        free=np.broadcast_to(region.free, unit[starts].shape),
        coordinates=cube.coordinates,
        rng=rng,
        effort=EFFORT.effort,
    )
    unit = setting.points(region.clip(np.concatenate([better.unit, unit]))).unit
    values = np.concatenate([better.score, values])
    for index in np.argsort(-values, kind="stable"):
        if setting.joint.from_unit(unit[index]) not in seen.proposed:
            return unit[index], float(values[index])
    return unit[0], float(values[0])


def as_suggestion(unit: Array, *, setting: Setting, why: dict[str, object]) -> Suggestion:
    """A point, shape (d,), as the answer of a searcher."""
    return suggestion(setting.joint, setting.joint.from_unit(unit), why=why)
