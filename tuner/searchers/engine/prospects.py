"""Who may be on the front: candidates with joint draws of what they would come to.

Before a study has shown much, what earlier ones taught is asked for the whole front at once and not
for one candidate's gain. Draws are those of the joint model, built-ins from the same stage times as
everywhere, each draw one function of all candidates: so a configuration that is better than another
in every task that was seen is never beaten by it for want of a common draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.cube import Cube
from tuner.acquisition.front_draws import chances, portfolio
from tuner.acquisition.sampling import sobol_uniform
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.models import JointModel
from tuner.searchers.engine.outcomes import objectives_of
from tuner.searchers.joint import JointSpace
from tuner.surrogates.points import Points

_STEPS = 2.0**30


@dataclass(frozen=True, slots=True, kw_only=True)
class ProspectSize:
    """How hard the front is estimated.

    Attributes:
        candidates: How many are compared; a finite space of no more is taken as a whole.
        draws: How many joint draws.
    """

    candidates: int
    draws: int = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Prospects:
    """C candidates, trials of the study among them.

    Attributes:
        points: The candidates, at full fidelity, no two the same.
        tried: Indices of those that are trials of the study, in the trials' order.
        draws: Objectives to minimise, infinite where a constraint is broken, shape (R, C, M).
    """

    points: Points
    tried: NDArray[np.intp]
    draws: NDArray[np.float64]

    @cached_property
    def chance(self) -> NDArray[np.float64]:
        """How likely each candidate is on the front, shape (C,)."""
        return chances(self.draws)

    def best(self, count: int) -> list[int]:
        """The candidates that add most expected hypervolume to what is tried, one by one."""
        return portfolio(self.draws, given=self.tried, count=count)

    def likely(self, count: int, *, rng: np.random.Generator) -> NDArray[np.intp]:
        """New candidates, drawn in proportion to their chance, each once; fewer if there are."""
        weight = self.chance.copy()
        weight[self.tried] = 0.0
        possible = int(np.count_nonzero(weight))
        if not possible:
            return np.zeros(0, dtype=np.intp)
        share = weight / weight.sum()
        return rng.choice(len(share), size=min(count, possible), replace=False, p=share)


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

    def estimate(
        self,
        model: JointModel,
        *,
        tried: Points,
        size: ProspectSize,
        rng: np.random.Generator,
    ) -> Prospects:
        """The front's estimate by a model.

        Args:
            model: Of what was observed, and of earlier studies.
            tried: Trials that count as given; they are among the candidates.
            size: How many candidates and draws.
            rng: Draws both.

        Raises:
            SurrogateError: The model cannot be drawn from.
        """
        points = Points.concatenate([tried, self.candidates(size.candidates, rng=rng)])
        first, places = self._distinct(points)
        points = points[first]
        return Prospects(
            points=points,
            tried=np.unique(places[: len(tried)]),
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
    z = rng.standard_normal((len(outputs), count, len(points)))
    values = [one.draw(points, z=each) for one, each in zip(outputs, z, strict=True)]
    metrics = np.array(values[: len(model.metrics)]).reshape(-1, count, len(points))
    seconds = np.exp(np.array(values[len(model.metrics) :]))
    objectives, feasible = objectives_of(facts, model, metrics, seconds, types=points.types)
    return np.where(feasible[..., None], objectives, np.inf)
