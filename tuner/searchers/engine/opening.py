"""How a study with several objectives begins when earlier ones taught where its front may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tuner.searchers._protocol import History, Suggestion
from tuner.searchers.engine.closing import Closing
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.engine import Engine
from tuner.searchers.engine.front import leading
from tuner.searchers.engine.prospects import THOROUGHLY, Prospector, Prospects
from tuner.searchers.proposed import Proposed, suggestion

_TAG = 0x70A7
"""Sets the draws that all workers share apart from those of single proposals."""

_TRIES = 32


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The first trials: a portfolio of the estimated front, then whatever is likely to be on it.

    All workers draw the same front from the same log. Each takes the portfolio's next place that is
    its own, so that workers that begin at the same time begin with different trials.

    Attributes:
        name: The searcher's, for the trials' `why`.
        engine: The engine that goes on.
        prospector: Estimates its study's front.
        seed: The study's.
        worker: The worker's ordinal.
        workers: How many workers there are.
        length: So many trials of each worker come from the portfolio.
    """

    name: str
    engine: Engine
    prospector: Prospector
    seed: int
    worker: int
    workers: int
    length: int

    def portfolio(self, history: History, data: StudyData, proposed: Proposed) -> Suggestion | None:
        """The next of this worker's places; None once it has had them.

        What was observed so far counts: later places follow from the posterior.

        Raises:
            SurrogateError: The front cannot be drawn.
        """
        placed = [trial for trial in history.trials if _place(trial.why) is not None]
        mine = sum(trial.worker == self.worker for trial in placed)
        if mine >= self.length:
            return None
        prospects = self._prospects(data, rng=np.random.default_rng([self.seed, _TAG]))
        place = mine * self.workers + self.worker
        ahead = max(place - len(placed), 0)
        ranked = prospects.best(ahead + 1, closing=self._closing(history))
        return self._first_new(prospects, [*ranked[ahead:], *ranked[:ahead]], proposed, place=place)

    def likely(
        self, history: History, data: StudyData, proposed: Proposed, *, rng: np.random.Generator
    ) -> Suggestion | None:
        """A configuration drawn in proportion to how likely it is on the front.

        Raises:
            SurrogateError: The front cannot be drawn.
        """
        prospects = self._prospects(data, rng=rng)
        rows = prospects.likely(_TRIES, closing=self._closing(history), rng=rng)
        return self._first_new(prospects, rows.tolist(), proposed)

    def _prospects(self, data: StudyData, *, rng: np.random.Generator) -> Prospects:
        return self.prospector.estimate(
            self.engine.models.build(data),
            data,
            best=leading(data.objectives, rng=rng),
            rng=rng,
            size=THOROUGHLY,
        )

    def _closing(self, history: History) -> Closing:
        return Closing.of(self.engine.choices, history.closed)

    def _first_new(
        self,
        prospects: Prospects,
        rows: Iterable[int],
        proposed: Proposed,
        *,
        place: int | None = None,
    ) -> Suggestion | None:
        for row in rows:
            configuration = self.engine.configuration(prospects.points[np.array([row])])
            if configuration not in proposed and proposed.joint.is_open(configuration):
                prior: dict[str, object] = {"onFront": float(prospects.chance[row])}
                if place is not None:
                    prior["portfolio"] = place
                why: dict[str, object] = {"searcher": self.name, "prior": prior}
                return suggestion(self.engine.joint, configuration, why=why)
        return None


def _place(why: Mapping[str, object]) -> int | None:
    """The place in the portfolio that a trial came from."""
    prior = why.get("prior")
    place = prior.get("portfolio") if isinstance(prior, Mapping) else None
    return int(place) if isinstance(place, int | float) else None
