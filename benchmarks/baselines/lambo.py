"""LaMBO: a lazy bandit over a tree of cells of the early stages' parameters (Lin et al. 2021).

The tree halves the early stages' parameters one after the other, those of the first stage at the
top; its leaves are the arms. A slowly moving bandit draws at each step a height h with probability
2^-(h+1), goes up h levels from the last leaf and down again by the leaves' weights: half of the
time it stays, and the first stage changes least. The stages above that height keep their very
values, so that a cache has their artifacts; the others are chosen within the leaf.

The weights are multiplied at every step by exp(-rate x loss), where the loss of a leaf, between 0
and 1, comes from the upper confidence bound at its best point: the surrogate knows something of
every arm. Unlike the authors, the point within a leaf maximises expected improvement, as in the
other baselines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import numpy as np

from benchmarks.baselines.improvement import log_improvement
from benchmarks.baselines.models import Model, objective_model
from benchmarks.baselines.search import Region, as_suggestion, propose
from benchmarks.baselines.setting import Array, Seen, Setting
from tuner.acquisition.sampling import sobol_uniform
from tuner.searchers._protocol import History, Suggestion

NAME = "LaMBO"
MOST_LEVELS = 6
RATE = 1.0
CONFIDENCE = 2.0
LOOKED_AT = 1024


@dataclass(frozen=True, slots=True)
class Level:
    """One halving: which coordinate, and to which stage it belongs."""

    stage: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Where the bandit is: a leaf, its place in words, and the weights' logarithms."""

    leaf: int
    log_weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LamboSearcher:
    """See the module. What the bandit knows is in the last trial's `why`.

    Attributes:
        setting: The study.
    """

    setting: Setting

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The halvings from the root down: stage by stage, every stage having its share."""
        turns = zip_longest(*(self.setting.blocks[stage] for stage in self.setting.early))
        chosen = [
            Level(stage, int(column))
            for turn in turns
            for stage, column in zip(self.setting.early, turn, strict=True)
            if column is not None
        ]
        return tuple(sorted(chosen[:MOST_LEVELS], key=lambda level: level.stage))

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next configuration."""
        seen = Seen.of(history, setting=self.setting)
        model = objective_model(seen, self.setting)
        last = _last_arm(history) or Arm(
            leaf=self.leaf_of(seen.points.unit[np.argmin(seen.values)]),
            log_weights=(0.0,) * 2 ** len(self.levels),
        )
        log_weights = self.learnt(last.log_weights, model, rng)
        height = draw_height(len(self.levels), rng)
        leaf = draw_leaf(last.leaf, height, log_weights, rng)
        region = self.region(leaf, height, previous=_last_unit(history, seen, self.setting))
        score = log_improvement(model, seen)
        unit, _ = propose(score, seen=seen, setting=self.setting, region=region, rng=rng)
        why: dict[str, object] = {"searcher": NAME, "leaf": leaf, "logWeights": list(log_weights)}
        return as_suggestion(unit, setting=self.setting, why=why)

    def leaf_of(self, unit: Array) -> int:
        """The leaf that holds a point of shape (d,): one bit a level, the root's the highest."""
        leaf = 0
        for level in self.levels:
            leaf = 2 * leaf + int(unit[level.column] >= 0.5)
        return leaf

    def learnt(
        self, log_weights: tuple[float, ...], model: Model, rng: np.random.Generator
    ) -> tuple[float, ...]:
        """The weights after one more look at every leaf."""
        if not self.levels:
            return log_weights
        unit = sobol_uniform(LOOKED_AT, len(self.setting.space), rng=rng)
        points = self.setting.points(unit)
        mean, deviation = model.predict(points)
        bound = mean - CONFIDENCE * deviation
        leaves = np.array([self.leaf_of(one) for one in points.unit])
        best = np.array(
            [bound[leaves == leaf].min(initial=bound.max()) for leaf in range(len(log_weights))]
        )
        loss = (best - best.min()) / max(float(np.ptp(best)), 1e-12)
        weights = np.array(log_weights) - RATE * loss
        return tuple(float(one) for one in weights - weights.max())

    def region(self, leaf: int, height: int, *, previous: Array) -> Region:
        """The leaf's cell, with the stages above the height at the values that they had."""
        depth = len(self.levels)
        region = Region.whole(len(self.setting.space))
        low, high = region.low, region.high
        for index, level in enumerate(self.levels):
            upper = bool(leaf >> (depth - 1 - index) & 1)
            low[level.column], high[level.column] = (0.5, 1.0) if upper else (0.0, 0.5)
        moved = [level.stage for level in self.levels[depth - height :]]
        kept = self.setting.before(min(moved, default=len(self.setting.stages) - 1))
        return Region(low, high).fixed(kept, previous[kept])


def draw_height(depth: int, rng: np.random.Generator) -> int:
    """How far the bandit goes up: h with probability 2^-(h+1), at most to the root."""
    return min(int(rng.geometric(0.5)) - 1, depth)


def draw_leaf(
    last: int, height: int, log_weights: tuple[float, ...], rng: np.random.Generator
) -> int:
    """A leaf below the ancestor of the last one at this height, drawn by weight."""
    first = last >> height << height
    weights = np.exp(np.array(log_weights[first : first + 2**height]))
    return first + int(rng.choice(len(weights), p=weights / weights.sum()))


def _last_arm(history: History) -> Arm | None:
    for trial in reversed(history.trials):
        leaf, weights = trial.why.get("leaf"), trial.why.get("logWeights")
        if isinstance(leaf, int | float) and isinstance(weights, list | tuple):
            return Arm(leaf=int(leaf), log_weights=tuple(float(one) for one in weights))
    return None


def _last_unit(history: History, seen: Seen, setting: Setting) -> Array:
    """Where the bandit was last; before its first step, the best trial."""
    if _last_arm(history) is None:
        return np.asarray(seen.points.unit[np.argmin(seen.values)])
    return setting.space.encode(history.trials[-1].parameters)
