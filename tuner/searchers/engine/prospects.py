"""Who may be on the front: candidates with joint draws of what they would come to.

Before a study has shown much, what earlier ones taught is asked for the whole front at once and not
for one candidate's gain. Draws are those of the joint model, built-ins from the same stage times as
everywhere, each draw one function of all candidates: so a configuration that is better than another
in every task that was seen is never beaten by it for want of a common draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.cube import Cube
from tuner.acquisition.front_draws import chances, portfolio
from tuner.acquisition.pool import NEAR
from tuner.acquisition.sampling import sobol_uniform
from tuner.searchers.engine.closing import Closing
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.models import PENDING, JointModel
from tuner.searchers.engine.outcomes import objectives_of
from tuner.searchers.joint import JointSpace
from tuner.surrogates.points import Points

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

ORDINARY = 128
"""So many points all over the space tell what configurations ordinarily come to."""

_STEPS = 2.0**30


@dataclass(frozen=True, slots=True, kw_only=True)
class ProspectSize:
    """How hard the front is estimated.

    Attributes:
        candidates: How many are compared; a finite space of no more is taken as a whole.
        draws: How many joint draws.
    """

    candidates: int
    draws: int


THOROUGHLY = ProspectSize(candidates=512, draws=128)
"""For a study's first trials."""

BRIEFLY = ProspectSize(candidates=192, draws=32)
"""For every proposal."""

LEADING = 64
"""Candidates are compared with so many of the best trials."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prospects:
    """C candidates, trials of the study among them.

    Attributes:
        points: The candidates, at full fidelity, no two the same.
        tried: Indices of those that are trials of the study, rising.
        draws: Objectives to minimise, infinite where a constraint is broken, shape (R, C, M).
    """

    points: Points
    tried: NDArray[np.intp]
    draws: NDArray[np.float64]

    @cached_property
    def chance(self) -> NDArray[np.float64]:
        """How likely each candidate is on the front, shape (C,)."""
        return chances(self.draws)

    def best(self, count: int, *, closing: Closing) -> list[int]:
        """The candidates that add most expected hypervolume to what is tried, one by one."""
        allowed = closing.allows(self.points.types)
        return portfolio(self.draws, given=self.tried, count=count, allowed=allowed)

    def likely(self, count: int, *, closing: Closing, rng: np.random.Generator) -> NDArray[np.intp]:
        """New candidates, drawn in proportion to their chance, each once; fewer if there are."""
        weight = np.where(closing.allows(self.points.types), self.chance, 0.0)
        weight[self.tried] = 0.0
        possible = int(np.count_nonzero(weight))
        if not possible:
            return np.zeros(0, dtype=np.intp)
        share = weight / weight.sum()
        return rng.choice(len(share), size=min(count, possible), replace=False, p=share)

    def chance_of(self, point: Points) -> float | None:
        """How likely one configuration is on the front; None if it is not a candidate."""
        same = (
            (np.abs(self.points.unit - point.unit) <= NEAR).all(axis=1)
            & (self.points.active == point.active).all(axis=1)
            & (self.points.types == point.types).all(axis=1)
        )
        found = np.flatnonzero(same)
        return float(self.chance[found[0]]) if len(found) else None


@dataclass(frozen=True, eq=False)
class Prospector:
    """Estimates the front of a study.

    Attributes:
        facts: The study.
        joint: Its space.
        cube: The same as arrays.
        seen: Configurations of earlier studies.
    """

    facts: Facts
    joint: JointSpace
    cube: Cube
    seen: Points

    @classmethod
    def of(cls, facts: Facts, joint: JointSpace, cube: Cube, *, prior: Prior) -> Prospector | None:
        """That of a study; None where the best is no front but what did best before.

        One objective that is no reported metric is a front of one: portfolios are of metrics.
        """
        if len(facts.objectives) == 1 and facts.objectives[0].model is not None:
            return None
        return cls(facts, joint, cube, prior.seen)

    @cached_property
    def anywhere(self) -> Points:
        """Points all over the space, the same for all workers: what is ordinary in it."""
        return self.cube.points(
            sobol_uniform(ORDINARY, len(self.cube), rng=np.random.default_rng(0))
        )

    def estimate(
        self,
        model: JointModel,
        data: StudyData,
        *,
        best: NDArray[np.intp],
        rng: np.random.Generator,
        size: ProspectSize = BRIEFLY,
    ) -> Prospects:
        """The front's estimate by a model.

        Args:
            model: Of what was observed, and of earlier studies.
            data: What was observed.
            best: Indices of the trials that may be on the front; they and the open ones are tried.
            rng: Draws candidates and functions.
            size: How many of them.

        Raises:
            SurrogateError: The model cannot be drawn from.
        """
        trials = np.unique(
            np.concatenate([best[:LEADING], np.flatnonzero(data.is_open)[-PENDING:]])
        )
        tried = data.points[trials.astype(np.intp)]
        # The others first: their draws do not depend on which trials follow.
        others = self.candidates(size.candidates, rng=rng)
        points = Points.concatenate([others, tried])
        first, places = self._distinct(points)
        points = points[first]
        return Prospects(
            points=points,
            tried=np.unique(places[len(others) :]),
            draws=objective_draws(self.facts, model, points, count=size.draws, rng=rng),
        )

    def candidates(self, count: int, *, rng: np.random.Generator) -> Points:
        """About so many: what earlier studies tried, the same on other types, and all over."""
        size = self.joint.cardinality
        if size is not None and size <= count:
            return self._everything
        seen = self.cube.unit(self.seen)
        seen = seen[rng.permutation(len(seen))[: count // 3]]
        moved = seen.copy()
        free = len(self.cube) - len(self.joint.space)
        moved[:, len(self.joint.space) :] = rng.random((len(seen), free))
        parts = [seen, moved] if free else [seen]
        over = count - sum(map(len, parts))
        return self.cube.points(
            np.concatenate([*parts, sobol_uniform(over, len(self.cube), rng=rng)])
        )

    @cached_property
    def _everything(self) -> Points:
        """Every configuration of a finite space."""
        groups = self.joint.choices.groups
        rows = [
            (
                self.joint.space.encode(one.parameters),
                [g.types.index(t) for g, t in zip(groups, one.chosen, strict=True)],
            )
            for one in self.joint.configurations()
        ]
        units = np.array([unit for unit, _ in rows]).reshape(len(rows), len(self.joint.space))
        types = np.array([types for _, types in rows], dtype=np.intp).reshape(
            len(rows), len(groups)
        )
        cube = self.cube.unit(Points(units, np.ones(units.shape, bool), types, np.ones(len(rows))))
        return self.cube.points(cube)

    def _distinct(self, points: Points) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Index of each configuration's first point, and each point's place among them."""
        steps = np.rint(self.cube.unit(points) * _STEPS).astype(np.int64)
        _, first, places = np.unique(steps, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        return first[order], rank[places.ravel()]


def objective_draws(
    facts: Facts, model: JointModel, points: Points, *, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Joint draws of all objectives at C points, to minimise, shape (R, C, M).

    Cost and runtime are those of the drawn stage times; a draw that breaks a constraint is infinite
    in every objective.

    Args:
        facts: The study.
        model: What is drawn from.
        points: Where.
        count: R.
        rng: Draws.
    """
    outputs = [*model.metrics, *model.times]
    # Point by point: a point's numbers do not depend on those that follow.
    z = np.moveaxis(rng.standard_normal((len(points), len(outputs), count)), 0, 2)
    values = [one.draw(points, z=each) for one, each in zip(outputs, z, strict=True)]
    metrics = np.array(values[: len(model.metrics)]).reshape(-1, count, len(points))
    seconds = np.exp(np.array(values[len(model.metrics) :]))
    objectives, feasible = objectives_of(facts, model, metrics, seconds, types=points.types)
    return np.where(feasible[..., None], objectives, np.inf)
