"""The engine: one pool of actions, one acquisition, for one proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition import FrontBoxes, sobol_normal
from tuner.acquisition.cooling import eta as cooled
from tuner.acquisition.cube import Cube
from tuner.acquisition.maximise import Effort, choose_starts, refine
from tuner.acquisition.pool import Pool, PoolSize, Prefix, candidates
from tuner.hardware import StageChoices
from tuner.searchers._protocol import History, StoredStages, Suggestion
from tuner.searchers.engine.data import Reader, StudyData
from tuner.searchers.engine.explaining import explain
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.failures import FailureModel
from tuner.searchers.engine.features import features_of
from tuner.searchers.engine.front import leading
from tuner.searchers.engine.models import PENDING, JointModel, ModelFactory
from tuner.searchers.engine.prefixes import Cached, Opening, coming_prefixes, stored_prefixes
from tuner.searchers.engine.scoring import Scorer, needs_samples, plug_in_front
from tuner.searchers.joint import Configuration, JointSpace
from tuner.searchers.proposed import Proposed
from tuner.spec import InstanceTypeSpec
from tuner.surrogates.points import Points

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

FOREIGN = 8
"""So many configurations of earlier studies are looked up in the cache."""

INCUMBENTS = 12
"""How many of the best trials candidates are drawn around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine does, and how hard it tries. Counts, never times.

    Attributes:
        cost_aware: Whether spend counts.
        reuse: Whether prefixes in the cache are proposed and priced.
        transfer: Whether a prior of earlier studies is used.
        eta_floor: The least weight of the spend, at the end of the budget.
        pool: How many candidates of which kind.
        prefixes: Cached prefixes in the pool, at most; at least 10 where there are.
        samples: Joint draws of metrics and stage times.
        starts: How many of the best candidates are refined.
        effort: How hard.
    """

    cost_aware: bool = True
    reuse: bool = True
    transfer: bool = True
    eta_floor: float = 0.0
    pool: PoolSize = field(default_factory=PoolSize)
    prefixes: int = 12
    samples: int = 64
    starts: int = 8
    effort: Effort = field(default_factory=Effort)


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
    """

    facts: Facts
    joint: JointSpace
    instance_types: Mapping[str, InstanceTypeSpec]
    settings: EngineSettings
    prior: Prior | None = None
    stored: StoredStages | None = None
    reader: Reader = field(init=False)
    models: ModelFactory = field(init=False)
    cube: Cube = field(init=False)

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

    @property
    def choices(self) -> StageChoices:
        """The instance types to choose from."""
        return self.joint.choices

    def is_ready(self, data: StudyData) -> bool:
        """Whether there is something to model."""
        enough = all(len(rows) > 1 for rows in data.metrics)
        return enough and all(len(rows) for rows in data.times) and bool(np.any(data.full))

    def propose(
        self, history: History, data: StudyData, *, start_up: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The configuration of the greatest gain per spend; None if nothing new was found.

        Args:
            history: What the log says.
            data: The same as arrays; ready.
            start_up: How many trials the study began with before it was modelled.
            rng: For this proposal.
        """
        cached = self._cached(data)
        scorer = self.scorer(history, data, cached, start_up=start_up, rng=rng)
        prefixes = self._prefixes(data, cached, scorer, rng) if self.settings.reuse else []
        pool = candidates(
            self.cube,
            incumbents=self.cube.unit(data.points[leading(data.objectives)[:INCUMBENTS]]),
            prefixes=prefixes,
            tried=self.cube.unit(data.points),
            size=self.settings.pool,
            rng=rng,
        )
        unit, scores = self._refined(scorer, pool, prefixes, rng)
        chosen = self._first_new(history, unit, scores)
        if chosen is None:
            return None
        row, configuration = chosen
        return Suggestion(
            parameters=configuration.parameters,
            instance_types=self.choices.assign(configuration.chosen),
            why=explain(
                scorer,
                self.cube.points(unit[row : row + 1]),
                names=data.names,
                candidates=len(unit),
            ),
        )

    def scorer(
        self,
        history: History,
        data: StudyData,
        cached: Cached,
        *,
        start_up: int,
        rng: np.random.Generator,
    ) -> Scorer:
        """The acquisition as the study stands."""
        names = self.joint.space.names
        model = self._model(data)
        front, corner = plug_in_front(self.facts, data, model)
        samples = needs_samples(self.facts) or not len(front)
        draws = len(self.facts.metrics) + len(self.facts.stages)
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
            eta=self._eta(history, data, start_up) if self.settings.cost_aware else 0.0,
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
        pending = np.flatnonzero(data.is_open)[-PENDING:]
        return self.models.build(data).with_fantasies(data.points[pending])

    def _eta(self, history: History, data: StudyData, start_up: int) -> float:
        """Of the budget that binds; running trials count as what ended ones cost in the mean."""
        ended = data.paid[~data.is_open & (data.paid > 0.0)]
        open_count = int(data.is_open.sum())
        pending = open_count * float(ended.mean()) if len(ended) else 0.0
        warm_up = float(data.paid[:start_up].sum())
        paid = float(data.paid.sum())
        etas = []
        if self.facts.max_cost_usd is not None and self.facts.in_dollars:
            spent = max(history.spent_usd, paid)
            etas.append((spent, pending, warm_up, self.facts.max_cost_usd))
        if self.facts.max_seconds is not None:
            share = history.elapsed_seconds / paid if paid else 0.0
            etas.append((history.elapsed_seconds, 0.0, share * warm_up, self.facts.max_seconds))
        if self.facts.max_trials is not None:
            etas.append((float(len(data)), 0.0, float(start_up), float(self.facts.max_trials)))
        return min(
            (
                cooled(
                    spent=spent,
                    pending=due,
                    warm_up=first,
                    total=total,
                    floor=self.settings.eta_floor,
                )
                for spent, due, first, total in etas
            ),
            default=1.0,
        )

    def _prefixes(
        self, data: StudyData, cached: Cached, scorer: Scorer, rng: np.random.Generator
    ) -> list[Prefix]:
        """Those of the best trials, of running ones, and some at random: luck can make the best."""
        most = self.settings.prefixes
        best = leading(data.objectives)
        found: dict[tuple[int, int], Prefix] = {}
        running = np.flatnonzero(data.is_open)[::-1]
        others = rng.permutation(np.flatnonzero(cached.depths > 0))
        for index, share, trials in (
            (scorer.stored, 0.6, best),
            (scorer.coming, 0.8, running),
            (scorer.stored, 1.0, others),
        ):
            for trial in trials.tolist():
                if len(found) >= share * most:
                    break
                point = cached.points[np.array([trial])]
                depth = int(index.depths(point)[0][0])
                for opening in index.prefixes(trial, most=depth):
                    owner = index.owner(point, opening.depth)
                    found.setdefault((owner, opening.depth), self._prefix(point, opening))
        return list(found.values())[:most]

    def _prefix(self, point: Points, opening: Opening) -> Prefix:
        free = [index for index, one in enumerate(self.choices.groups) if len(one.types) > 1]
        return Prefix(
            unit=self.cube.unit(point)[0],
            fixed=np.concatenate([opening.fixed, opening.types[free]]),
            stages=opening.depth,
        )

    def _refined(
        self, scorer: Scorer, pool: Pool, prefixes: list[Prefix], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pool, and what its best candidates were improved to, with their scores."""
        scores = scorer(pool.points)
        starts = choose_starts(pool.unit, scores, count=self.settings.starts)
        better = refine(
            lambda unit: scorer(self.cube.points(unit)),
            pool.unit[starts],
            values=scores[starts],
            free=pool.free(prefixes)[starts],
            coordinates=self.cube.coordinates,
            rng=rng,
            effort=self.settings.effort,
        )
        return np.concatenate([pool.unit, better.unit]), np.concatenate([scores, better.score])

    def _first_new(
        self, history: History, unit: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> tuple[int, Configuration] | None:
        """The best candidate that was not proposed before."""
        proposed = Proposed.of(history, joint=self.joint)
        for row in np.argsort(-scores, kind="stable").tolist():
            configuration = self.joint.from_unit(unit[row])
            if configuration not in proposed:
                return row, configuration
        return None
