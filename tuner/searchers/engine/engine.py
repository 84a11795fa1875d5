"""The engine: one pool of actions, one acquisition, for one proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition import FrontBoxes, sobol_normal
from tuner.acquisition.cube import Cube
from tuner.acquisition.maximise import choose_starts, refine
from tuner.hardware import StageChoices
from tuner.searchers._protocol import History, StoredStages, Suggestion
from tuner.searchers.engine.actions import Actions
from tuner.searchers.engine.closing import Closing, Score
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.explaining import explain
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.failures import FailureModel
from tuner.searchers.engine.features import features_of
from tuner.searchers.engine.front import leading
from tuner.searchers.engine.making import ModelFactory
from tuner.searchers.engine.models import PENDING, JointModel
from tuner.searchers.engine.prefixes import Cached, coming_prefixes, stored_prefixes
from tuner.searchers.engine.prospects import Prospector
from tuner.searchers.engine.reader import Reader
from tuner.searchers.engine.scoring import Scorer, needs_samples, plug_in_front
from tuner.searchers.engine.settings import EngineSettings
from tuner.searchers.engine.spending import spend_weight
from tuner.searchers.joint import Configuration, JointSpace
from tuner.searchers.proposed import Proposed
from tuner.spec import InstanceTypeSpec
from tuner.surrogates.points import Points

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

FOREIGN = 8
"""So many configurations of earlier studies are looked up in the cache."""

LIKELY = 64
"""So many candidates that may well be on the front join the pool."""


@dataclass
class Engine:
    """Proposes by expected gain per expected spend.

    Attributes:
        facts: The study.
        joint: Its space.
        instance_types: Those that its stages may use.
        settings: How it searches.
        prior: What earlier studies taught.
        stored: Asks the stage cache about configurations of other studies.
        temperature: How far from the best this worker's choices may lie, in log value.
    """

    facts: Facts
    joint: JointSpace
    instance_types: Mapping[str, InstanceTypeSpec]
    settings: EngineSettings
    prior: Prior | None = None
    stored: StoredStages | None = None
    temperature: float = 0.0
    reader: Reader = field(init=False)
    models: ModelFactory = field(init=False)
    cube: Cube = field(init=False)
    prospector: Prospector | None = field(init=False)

    def __post_init__(self) -> None:
        self.reader = Reader(self.facts, self.joint)
        self.cube = Cube.of(self.joint.space, self.joint.choices)
        features = features_of(
            self.facts,
            space=self.joint.space,
            choices=self.joint.choices,
            instance_types=self.instance_types,
        )
        self.models = ModelFactory(self.facts, features, self.prior)
        self.prospector = None
        if self.prior is not None and self.settings.front_estimate:
            self.prospector = Prospector.of(self.facts, self.joint, self.cube, prior=self.prior)

    @property
    def choices(self) -> StageChoices:
        """The instance types to choose from."""
        return self.joint.choices

    def is_ready(self, data: StudyData) -> bool:
        """Whether there is something to model.

        Without a trial that ran to its end only if earlier studies tell what that comes to: what
        trials show at rungs is then enough.
        """
        shown = all(len(rows) > 1 for rows in data.metrics)
        return shown and (self.prospector is not None or bool(np.any(data.full)))

    def propose(
        self,
        history: History,
        data: StudyData,
        *,
        proposed: Proposed,
        start_up: int,
        rng: np.random.Generator,
    ) -> Suggestion | None:
        """The configuration of the greatest gain per spend; None if nothing new was found.

        Args:
            history: What the log says.
            data: The same as arrays; ready.
            proposed: What has been proposed already.
            start_up: How many trials the study began with before it was modelled.
            rng: For this proposal.
        """
        best = leading(data.objectives, rng=rng)
        cached = self._cached(data)
        scorer = self.scorer(history, data, cached, best=best, start_up=start_up, rng=rng)
        closing = Closing.of(self.choices, history.closed)
        prospects = likely = None
        if self.prospector is not None:
            prospects = self.prospector.estimate(scorer.model, data, best=best, rng=rng)
            rows = prospects.likely(LIKELY, closing=closing, rng=rng)
            likely = self.cube.unit(prospects.points[rows])
        actions = Actions.of(
            self.cube,
            data,
            best=best,
            cached=cached,
            stored=scorer.stored,
            coming=scorer.coming,
            size=self.settings.pool,
            rng=rng,
            further=likely,
        )
        unit, scores = self._refined(closing.over(scorer), actions, rng)
        chosen = self._first_new(proposed, unit, scores)
        if chosen is None:
            return None
        row, configuration = chosen
        point = self.cube.points(unit[row : row + 1])
        on_front = None if prospects is None else prospects.chance_of(point)
        return Suggestion(
            parameters=configuration.parameters,
            instance_types=self.choices.assign(configuration.chosen),
            why=explain(scorer, point, names=data.names, candidates=len(unit), on_front=on_front),
            rungs_from=scorer.rungs_from(point),
        )

    def scorer(
        self,
        history: History,
        data: StudyData,
        cached: Cached,
        *,
        best: NDArray[np.intp],
        start_up: int,
        rng: np.random.Generator,
    ) -> Scorer:
        """The acquisition as the study stands."""
        names = self.joint.space.names
        model = self._model(data)
        anywhere = None if self.prospector is None else self.prospector.anywhere
        front, corner = plug_in_front(self.facts, data, model, best=best, anywhere=anywhere)
        samples = needs_samples(self.facts) or not len(front)
        draws = len(self.facts.metrics) + len(self.facts.stages)
        floor = self.settings.eta_floor if samples else self.settings.alone_floor
        weight = spend_weight(self.facts, history, data, start_up=start_up, floor=floor)
        return Scorer(
            facts=self.facts,
            data=data,
            model=model,
            failures=FailureModel.of(data, self.models.features),
            stored=stored_prefixes(self.facts, names, cached=cached),
            coming=coming_prefixes(self.facts, names, data=data, reuse=self.settings.reuse),
            front=front,
            boxes=FrontBoxes.of(front, corner) if samples else None,
            z=sobol_normal(self.settings.samples, draws, rng=rng),
            eta=weight if self.settings.cost_aware else 0.0,
        )

    def configuration(self, point: Points) -> Configuration:
        """One point, typed by the space."""
        chosen = zip(self.choices.groups, point.types[0].tolist(), strict=True)
        return Configuration(
            self.joint.space.from_unit(point.unit[0]),
            tuple(one.types[kind] for one, kind in chosen),
        )

    def _cached(self, data: StudyData) -> Cached:
        """What the cache holds: by the log, and, of earlier studies' best, by asking it."""
        depths = data.stored if self.settings.reuse else np.zeros_like(data.stored)
        own = Cached(data.points, depths)
        if self.prior is None or self.stored is None or not self.settings.reuse:
            return own
        others = self.prior.portfolio()[:FOREIGN]
        found = [self._ask(others[np.array([row])]) for row in range(len(others))]
        return Cached(
            Points.concatenate([own.points, others]),
            np.concatenate([depths, np.array(found, dtype=np.intp)]),
        )

    def _ask(self, point: Points) -> int:
        configuration = self.configuration(point)
        types = self.choices.assign(configuration.chosen)
        return 0 if self.stored is None else self.stored(configuration.parameters, types)

    def _model(self, data: StudyData) -> JointModel:
        """What was observed, and the newest open trials as if they had shown their means."""
        pending = np.flatnonzero(data.runs)[-PENDING:]
        return self.models.build(data).with_fantasies(data.points[pending])

    def _refined(
        self, score: Score, actions: Actions, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pool, and what its best candidates were improved to, with their scores.

        Scores are logarithms: with Gumbel noise of scale T the best is drawn in proportion to
        value ** (1 / T), which keeps idle workers from all taking the same.
        """
        pool = actions.pool
        scores = score(pool.points)
        noise = self.temperature * rng.gumbel(size=len(scores))
        starts = choose_starts(pool.unit, scores + noise, count=self.settings.starts)
        better = refine(
            lambda unit: score(self.cube.points(unit)),
            pool.unit[starts],
            values=scores[starts],
            free=pool.free(actions.prefixes)[starts],
            coordinates=self.cube.coordinates,
            rng=rng,
            effort=self.settings.effort,
        )
        return (
            np.concatenate([pool.unit, better.unit]),
            np.concatenate([scores + noise, better.score + noise[starts]]),
        )

    def _first_new(
        self, proposed: Proposed, unit: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> tuple[int, Configuration] | None:
        """The best candidate that was not proposed before."""
        for row in np.argsort(-scores, kind="stable").tolist():
            configuration = self.joint.from_unit(unit[row])
            if configuration not in proposed:
                return row, configuration
        return None
