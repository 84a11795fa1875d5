"""Auto, EEIPU and HyperBO: one engine, differently set."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from tuner.errors import SurrogateError
from tuner.searchers._protocol import History, StoredStages, Suggestion
from tuner.searchers.engine import Engine, EngineSettings, facts_of
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.opening import Opening
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import Proposed, suggestion
from tuner.searchers.sobol import SobolSearcher
from tuner.spec import InstanceTypeSpec, SearcherType, TuningStudySpec

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

_logger = logging.getLogger(__name__)

SETTINGS = {
    SearcherType.AUTO: EngineSettings(),
    SearcherType.EEIPU: EngineSettings(transfer=False),
    SearcherType.HYPERBO: EngineSettings(cost_aware=False, reuse=False),
}
"""What each searcher of the API is made of."""

LEAST_START, MOST_START = 4, 10
"""Bounds of the number of trials before the first model; between them it is d + 2."""

TEMPERATURE = 0.2
"""Mean temperature of the workers after the first, in log value."""

PORTFOLIO, MOST_PORTFOLIO, FEW_SOURCES = 2, 8, 24
"""Bounds of the number of trials that come from the portfolio before the prior's model takes over;
between them it is the last number over that of earlier studies."""


def portfolio_length(sources: int) -> int:
    """How many trials come from the portfolio: few earlier studies rank better than they predict.

    Args:
        sources: How many groups of earlier studies there are, at least one.
    """
    return min(max(PORTFOLIO, FEW_SOURCES // sources), MOST_PORTFOLIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSearcher:
    """Starts with earlier studies' portfolio or with Sobol points, then asks the engine.

    Attributes:
        name: For the trials' `why`.
        engine: What proposes once there is something to model.
        sobol: What proposes before.
        start_up: How many trials are proposed before the engine is asked, without a prior.
        worker: The worker's ordinal.
        workers: How many workers there are.
        portfolio: How many trials of each worker come from the portfolio.
        opening: How earlier studies have it begin, with several objectives.
    """

    name: str
    engine: Engine
    sobol: SobolSearcher
    start_up: int
    worker: int
    workers: int
    portfolio: int = PORTFOLIO
    opening: Opening | None = None

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next trial; None once every configuration of a finite space was proposed."""
        joint = self.engine.joint.without(history.closed)
        proposed = Proposed.of(history, joint=joint)
        if proposed.exhausted:
            return None
        start = self._from_portfolio(proposed) if self.opening is None else None
        if start is not None:
            return start
        data = self.engine.reader.read(history)
        # On one thread: the matrices are small, and sums do not depend on how many there are.
        with threadpool_limits(limits=1, user_api="blas"):
            try:
                found = self._modelled(history, data, proposed, rng=rng)
            except SurrogateError as error:
                # Where the log cannot be modelled the study goes on.
                _logger.warning("this trial comes from the Sobol sequence: %s", error)
                found = None
        return found or self.sobol.suggest(history, number=number, rng=rng)

    def _modelled(
        self,
        history: History,
        data: StudyData,
        proposed: Proposed,
        *,
        rng: np.random.Generator,
    ) -> Suggestion | None:
        """What the front's estimate or the engine proposes; None where neither can."""
        if self.opening is not None:
            start = self.opening.portfolio(history, data, proposed)
            if start is not None:
                return start
        start_up = self._start_up
        if len(data) >= start_up and self.engine.is_ready(data):
            found = self.engine.propose(
                history, data, proposed=proposed, start_up=start_up, rng=rng
            )
            if found is not None:
                return replace(found, why={"searcher": self.name, **found.why})
        if self.opening is not None:
            return self.opening.likely(history, data, proposed, rng=rng)
        return None

    @property
    def _start_up(self) -> int:
        """How many trials there are before the engine is asked."""
        if self.engine.prior is None:
            return self.start_up
        if self.opening is not None:
            return self.opening.length * self.workers
        return self.portfolio * self.workers

    def _from_portfolio(self, proposed: Proposed) -> Suggestion | None:
        """The next of the configurations that did best in earlier studies."""
        if self.engine.prior is None:
            return None
        points = self.engine.prior.portfolio(worker=self.worker, workers=self.workers)
        for row in range(min(self.portfolio, len(points))):
            configuration = self.engine.configuration(points[np.array([row])])
            if configuration not in proposed and proposed.joint.is_open(configuration):
                why: dict[str, object] = {"searcher": self.name, "prior": {"portfolio": row}}
                return suggestion(self.engine.joint, configuration, why=why)
        return None


def engine_searcher(
    spec: TuningStudySpec,
    *,
    joint: JointSpace,
    instance_types: Mapping[str, InstanceTypeSpec],
    worker: int = 0,
    workers: int = 1,
    prior: Prior | None = None,
    stored: StoredStages | None = None,
    settings: EngineSettings | None = None,
) -> EngineSearcher:
    """The searcher that `spec.searcher.type` names, one of `SETTINGS`.

    Args:
        spec: The study.
        joint: Its space.
        instance_types: At least those that its stages may use, by name.
        worker: The worker's ordinal, from 0.
        workers: How many workers there are.
        prior: What earlier studies taught.
        stored: Asks the stage cache about configurations of other studies.
        settings: In place of those of the searcher's type, for ablations.
    """
    chosen = settings or SETTINGS[spec.searcher.type]
    facts = facts_of(spec, choices=joint.choices, instance_types=instance_types)
    start_up = min(max(LEAST_START, len(joint) + 2), MOST_START)
    if facts.max_trials is not None:
        start_up = max(2, min(start_up, facts.max_trials // 3))
    engine = Engine(
        facts=facts,
        joint=joint,
        instance_types=instance_types,
        settings=chosen,
        prior=prior if chosen.transfer else None,
        stored=stored,
        temperature=_temperature(spec.searcher.seed, worker),
    )
    return EngineSearcher(
        name=str(spec.searcher.type),
        engine=engine,
        sobol=SobolSearcher(joint=joint, seed=spec.searcher.seed, worker=worker, workers=workers),
        start_up=start_up,
        worker=worker,
        workers=workers,
        portfolio=_portfolio_share(engine, workers=workers),
        opening=_opening(spec, engine, worker=worker, workers=workers),
    )


def _opening(spec: TuningStudySpec, engine: Engine, *, worker: int, workers: int) -> Opening | None:
    if engine.prospector is None:
        return None
    return Opening(
        name=str(spec.searcher.type),
        engine=engine,
        prospector=engine.prospector,
        seed=spec.searcher.seed,
        worker=worker,
        workers=workers,
        length=max(PORTFOLIO, len(engine.facts.objectives)),
    )


def _portfolio_share(engine: Engine, *, workers: int) -> int:
    """How many trials of each worker come from the portfolio; never much of a short study."""
    if engine.prior is None:
        return PORTFOLIO
    length = min(portfolio_length(engine.prior.sources), len(engine.prior.portfolio()))
    if engine.facts.max_trials is not None:
        length = min(length, engine.facts.max_trials // 3)
    return max(PORTFOLIO, math.ceil(length / workers))


def _temperature(seed: int, worker: int) -> float:
    """The first worker takes the best; each other one is as adventurous as its own draw says."""
    if not worker:
        return 0.0
    return float(np.random.default_rng([seed, worker]).exponential(TEMPERATURE))
