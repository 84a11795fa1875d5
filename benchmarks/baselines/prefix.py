"""What can be had from a cache without any cleverness: methods that go back to the best prefix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.baselines.improvement import log_improvement
from benchmarks.baselines.models import objective_model
from benchmarks.baselines.search import Region, as_suggestion, propose
from benchmarks.baselines.setting import Seen, Setting
from tuner.searchers._protocol import History, Suggestion

MULTI_STAGE = "MS_BO"
BEST_PREFIX = "best prefix, random rest"
DRAWS = 100


@dataclass(frozen=True, kw_only=True)
class MultiStageSearcher:
    """Multi-stage BO, one block of stages after the other, by expected improvement.

    The paper's baseline of that name models the last stage alone and draws the others at random.
    This one is stronger: it models everything, and in turn improves all stages, then those after
    the first with the best trial's first stage kept, and so on to the last stage alone.

    Attributes:
        setting: The study.
    """

    setting: Setting

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next configuration."""
        seen = Seen.of(history, setting=self.setting)
        score = log_improvement(objective_model(seen, self.setting), seen)
        region = self.region(seen, turn=len(history.trials) - self.setting.warm_up)
        unit, _ = propose(score, seen=seen, setting=self.setting, region=region, rng=rng)
        return as_suggestion(unit, setting=self.setting, why={"searcher": MULTI_STAGE})

    def region(self, seen: Seen, *, turn: int) -> Region:
        """Where it searches in this turn."""
        firsts = (0, *(stage + 1 for stage in self.setting.early))
        kept = self.setting.before(firsts[turn % len(firsts)])
        best = seen.points.unit[np.argmin(seen.values)]
        return Region.whole(len(self.setting.space)).fixed(kept, best[kept])


@dataclass(frozen=True, kw_only=True)
class BestPrefixSearcher:
    """Control: the best trial's stages but the last, and the last stage at random.

    Attributes:
        setting: The study.
    """

    setting: Setting

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next configuration."""
        seen = Seen.of(history, setting=self.setting)
        kept = self.setting.before(len(self.setting.stages) - 1)
        region = Region.whole(len(self.setting.space)).fixed(
            kept, seen.points.unit[np.argmin(seen.values)][kept]
        )
        unit = self.setting.points(region.spread(rng.random((DRAWS, len(self.setting.space))))).unit
        new = (one for one in unit if self.setting.joint.from_unit(one) not in seen.proposed)
        return as_suggestion(
            next(new, unit[0]), setting=self.setting, why={"searcher": BEST_PREFIX}
        )
