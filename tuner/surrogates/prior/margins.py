"""From a task's own units to the scale that tasks share, and how a new task's margin is found.

A margin is a rising map with two numbers: u = (y - floor) / unit, so that u = 0 is the task's best
value and u = 1 its median, and a bounded right half, in which it hardly matters how bad is bad:

    z(u) = u for u <= 1,    2 - 1 / u beyond.

It is once differentiable, keeps differences between good configurations in proportion to regret,
and has two parameters, so that a handful of observations of a new task settle it: the posterior of
(floor, log unit) is searched on a grid, the prior being normal with the sources' mean and spread
(empirical Bayes). Normal scores, the copula of Salinas, Shen and Perrone (2020), need the ranks of
many observations; on the development tasks the two-number map was no worse with all ranks known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.surrogates.prior.tasks import Array, SourceTask

_WIDENING = 1.5
"""The new task may be less like the sources than they are like each other."""

_LEAST_LEFT = 0.01

FEW_VALUES = 3
"""So few values say too little of a task's unit to trust the smaller one."""

_UNITS = np.linspace(-3.0, 3.0, 41)
_BEST_SEEN = np.concatenate([np.linspace(-0.2, 2.0, 45), np.geomspace(2.2, 40.0, 12)])


@dataclass(frozen=True, slots=True)
class Margin:
    """A task's margin.

    Attributes:
        floor: The value that is 0 on the shared scale.
        unit: The difference in value between 0 and 1; above zero.
        bounded: Whether what is worse than 1 is drawn in.
    """

    floor: float
    unit: float
    bounded: bool = True

    @classmethod
    def of(cls, task: SourceTask, *, bounded: bool = True) -> Margin:
        """The margin of a task whose values are known: best value to median."""
        values = task.scored
        least = float(values.min())
        unit = float(np.median(values)) - least
        return cls(least, unit if unit > 0.0 else float(values.mean()) - least, bounded)

    def forward(self, y: Array) -> Array:
        """Values on the shared scale, same shape."""
        u = (y - self.floor) / self.unit
        return _bound(u) if self.bounded else u

    def drawn(self, z: Array) -> Array:
        """Values of the shared scale in the task's units, as `backward` gives them: linear."""
        return self.floor + self.unit * z

    def transform(self, y: Array) -> Array:
        """Values as predictions show them: what is worse than 1 is drawn in; same shape."""
        return self.drawn(self.forward(y))

    def inverse(self, drawn: Array) -> Array:
        """Values that `transform` draws in to these, same shape."""
        u = (drawn - self.floor) / self.unit
        return self.floor + self.unit * (_unbound(u) if self.bounded else u)

    def backward(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """A prediction in the task's own units: linear, hence exact for good values only."""
        return self.drawn(mean), self.unit**2 * variance


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPrior:
    """What the sources' margins say about a new task's: normal in floor and log unit.

    Attributes:
        floor: Mean and standard deviation of the floor.
        log_unit: Mean and standard deviation of the unit's logarithm.
        bounded: As the margins.
    """

    floor: tuple[float, float]
    log_unit: tuple[float, float]
    bounded: bool

    @classmethod
    def of(cls, margins: Sequence[Margin]) -> MarginPrior:
        """The prior for one more task like these; at least one."""
        floors = np.array([margin.floor for margin in margins])
        log_units = np.log([margin.unit for margin in margins])
        typical = float(np.exp(log_units.mean()))
        return cls(
            floor=_normal(floors, least=typical),
            log_unit=_normal(log_units, least=1.0 if len(margins) < 3 else 0.25),
            bounded=margins[0].bounded,
        )

    @property
    def centre(self) -> Margin:
        """The margin of a task of which nothing was seen."""
        return Margin(self.floor[0], float(np.exp(self.log_unit[0])), self.bounded)

    def infer(self, y: Array, *, whiten: Callable[[Array], Array], mean: Array) -> Margin:
        """The most probable margin, given what a model predicts for z.

        The density of y is that of z under the model times dz/dy; the mode is that of
        (floor, log unit) on a grid. That of (floor / unit, log unit), one log unit higher, leans to
        large units, with which whatever was observed looks alike; of few values that is all one
        can say.

        Args:
            y: Observations in the task's units, shape (n,), n >= 1.
            whiten: r (n, g) -> L^-1 r, L L' being the covariance of z.
            mean: The model's mean of z, shape (n,).
        """
        floors, log_units = self._candidates(float(y.min()))
        units = np.exp(log_units)
        u = (y[:, None] - floors) / units
        z = _bound(u) if self.bounded else u
        residual = whiten(z - mean[:, None])
        counted = len(y) if len(y) > FEW_VALUES else len(y) - 1
        density = -0.5 * np.einsum("ng,ng->g", residual, residual) - counted * log_units
        if self.bounded:
            density -= 2.0 * np.log(np.maximum(u, 1.0)).sum(axis=0)
        density -= 0.5 * ((floors - self.floor[0]) / self.floor[1]) ** 2
        density -= 0.5 * ((log_units - self.log_unit[0]) / self.log_unit[1]) ** 2
        best = int(density.argmax())
        return Margin(float(floors[best]), float(units[best]), self.bounded)

    def _candidates(self, least: float) -> tuple[Array, Array]:
        """Floors and log units to weigh: where the best value seen may lie on the new scale."""
        log_units = self.log_unit[0] + self.log_unit[1] * _UNITS
        log_units, seen = np.meshgrid(log_units, _BEST_SEEN, indexing="ij")
        log_units, seen = log_units.ravel(), seen.ravel()
        return least - np.exp(log_units) * seen, log_units


def _bound(u: Array) -> Array:
    return np.where(u <= 1.0, u, 2.0 - 1.0 / np.maximum(u, 1.0))


def _unbound(z: Array) -> Array:
    """The inverse of `_bound`; what lies beyond its range is as bad as can be told apart."""
    return np.where(z <= 1.0, z, 1.0 / np.clip(2.0 - z, _LEAST_LEFT, 1.0))


def _normal(values: Array, *, least: float) -> tuple[float, float]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return float(values.mean()), _WIDENING * max(spread, least)
