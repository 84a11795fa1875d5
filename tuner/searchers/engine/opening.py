"""How a study with several objectives begins when earlier ones taught where its front may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tuner.searchers._protocol import History, Suggestion
from tuner.searchers.engine.closing import Closing
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.engine import Engine
from tuner.searchers.engine.front import leading
from tuner.searchers.engine.ladder import rungs_from
from tuner.searchers.engine.models import JointModel
from tuner.searchers.engine.outcomes import charge_of, restore_seconds
from tuner.searchers.engine.prospects import THOROUGHLY, Prospector, Prospects
from tuner.searchers.proposed import Proposed, suggestion
from tuner.surrogates.points import Points

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
        model = self.engine.models.build(data)
        prospects = self._prospects(model, data, rng=np.random.default_rng([self.seed, _TAG]))
        place = mine * self.workers + self.worker
        ahead = max(place - len(placed), 0)
        ranked = prospects.best(ahead + 1, closing=self._closing(history))
        order = [*ranked[ahead:], *ranked[:ahead]]
        return self._first_new(model, data, prospects, order, proposed, place=place)

    def likely(
        self, history: History, data: StudyData, proposed: Proposed, *, rng: np.random.Generator
    ) -> Suggestion | None:
        """A configuration drawn in proportion to how likely it is on the front.

        Raises:
            SurrogateError: The front cannot be drawn.
        """
        model = self.engine.models.build(data)
        prospects = self._prospects(model, data, rng=rng)
        rows = prospects.likely(_TRIES, closing=self._closing(history), rng=rng)
        return self._first_new(model, data, prospects, rows.tolist(), proposed)

    def _prospects(
        self, model: JointModel, data: StudyData, *, rng: np.random.Generator
    ) -> Prospects:
        return self.prospector.estimate(
            model,
            data,
            best=leading(data.objectives, rng=rng),
            rng=rng,
            size=THOROUGHLY,
        )

    def _rungs_from(self, model: JointModel, data: StudyData, point: Points) -> float:
        facts, nothing = self.engine.facts, np.zeros(1, dtype=np.intp)
        return rungs_from(
            facts,
            model.predict(point),
            types=point.types,
            charge=charge_of(facts, data, stored=nothing, coming=nothing),
            restore=restore_seconds(data),
        )

    def _closing(self, history: History) -> Closing:
        return Closing.of(self.engine.choices, history.closed)

    def _first_new(
        self,
        model: JointModel,
        data: StudyData,
        prospects: Prospects,
        rows: Iterable[int],
        proposed: Proposed,
        *,
        place: int | None = None,
    ) -> Suggestion | None:
        for row in rows:
            point = prospects.points[np.array([row])]
            configuration = self.engine.configuration(point)
            if configuration not in proposed and proposed.joint.is_open(configuration):
                prior: dict[str, object] = {"onFront": float(prospects.chance[row])}
                if place is not None:
                    prior["portfolio"] = place
                why: dict[str, object] = {"searcher": self.name, "prior": prior}
                found = suggestion(self.engine.joint, configuration, why=why)
                return replace(found, rungs_from=self._rungs_from(model, data, point))
        return None


def _place(why: Mapping[str, object]) -> int | None:
    """The place in the portfolio that a trial came from."""
    prior = why.get("prior")
    place = prior.get("portfolio") if isinstance(prior, Mapping) else None
    return int(place) if isinstance(place, int | float) else None
