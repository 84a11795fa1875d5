"""EI, EIPS, CArBO and MS-CArBO: expected improvement over four opinions of what a trial costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.baselines.models import Model, objective_model, stage_cost_models, total_cost_model
from benchmarks.baselines.search import Region, Score, as_suggestion, propose
from benchmarks.baselines.setting import Array, Seen, Setting
from tuner.acquisition.eeipu import log_inverse_cost
from tuner.acquisition.improvement import log_expected_improvement
from tuner.acquisition.sampling import sobol_normal
from tuner.searchers._protocol import History, Suggestion
from tuner.surrogates import Points

SAMPLES = 256

CostView = Callable[[Seen, Setting, np.random.Generator], Score]
"""Makes the logarithm of a trial's expected worth per cost, up to a constant."""


def log_improvement(model: Model, seen: Seen) -> Score:
    """The logarithm of the expected improvement (Jones et al. 1998), minimising.

    On the least posterior mean at a trial, as in the engine: under noise the best value is luck.
    """
    best = model.predict(seen.points)[0].min()

    def score(points: Points) -> Array:
        mean, deviation = model.predict(points)
        return log_expected_improvement(mean, deviation, best=best).value

    return score


def no_cost(seen: Seen, setting: Setting, rng: np.random.Generator) -> Score:
    """Every trial costs the same: plain EI."""
    return lambda points: np.zeros(len(points))


def total_cost(seen: Seen, setting: Setting, rng: np.random.Generator) -> Score:
    """1 / predicted cost of the whole pipeline, from one model of the log cost (Snoek 2012)."""
    model = total_cost_model(seen, setting)
    return lambda points: -model.predict(points)[0]


def stage_costs(seen: Seen, setting: Setting, rng: np.random.Generator) -> Score:
    """E[1 / sum of the stages' costs], from one model of the log cost for each stage; no cache."""
    models = stage_cost_models(seen, setting)
    normals = sobol_normal(SAMPLES, len(models), rng=rng)

    def score(points: Points) -> Array:
        mean, deviation = zip(*(model.predict(points) for model in models), strict=True)
        nothing = np.zeros(len(points), dtype=np.intp)
        return log_inverse_cost(
            np.array(mean), np.array(deviation), normals, memoised=nothing, epsilon=1.0
        )

    return score


def cooled(seen: Seen, setting: Setting) -> float:
    """The share of the budget after the warm-up that is left (Lee et al. 2020, eq. 4)."""
    after = setting.budget - seen.warm_up_spent
    if not np.isfinite(after) or after <= 0:
        return 1.0
    return float(np.clip((setting.budget - seen.spent) / after, 0.0, 1.0))


def constant(seen: Seen, setting: Setting) -> float:
    """Cost counts the same throughout."""
    return 1.0


@dataclass(frozen=True, kw_only=True)
class ImprovementSearcher:
    """Proposes where log EI + exponent x log worth per cost is greatest.

    Attributes:
        name: In `why`.
        setting: The study.
        cost: What it knows of costs.
        exponent: How much they count now.
    """

    name: str
    setting: Setting
    cost: CostView = no_cost
    exponent: Callable[[Seen, Setting], float] = constant

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next configuration."""
        seen = Seen.of(history, setting=self.setting)
        score = self.score(seen, rng)
        region = Region.whole(len(self.setting.space))
        unit, _ = propose(score, seen=seen, setting=self.setting, region=region, rng=rng)
        return as_suggestion(unit, setting=self.setting, why={"searcher": self.name})

    def score(self, seen: Seen, rng: np.random.Generator) -> Score:
        """What it maximises, in logarithms."""
        improvement = log_improvement(objective_model(seen, self.setting), seen)
        exponent = self.exponent(seen, self.setting)
        if exponent == 0:
            return improvement
        worth = self.cost(seen, self.setting, rng)
        return lambda points: improvement(points) + exponent * worth(points)
