"""Which leading stages of a configuration are in the cache, or will be soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.facts import Facts
from tuner.surrogates.points import Points

_STEPS = 2.0**30


@dataclass(frozen=True, slots=True)
class Opening:
    """The first stages of a trial, with something after them left open.

    Attributes:
        trial: Index of the trial that ran them, or runs them now.
        depth: How many stages.
        fixed: Which parameters it fixes, shape (d,).
        types: For each group of stages whether its instance type is fixed, shape (g,).
    """

    trial: int
    depth: int
    fixed: NDArray[np.bool_]
    types: NDArray[np.bool_]


@dataclass(frozen=True)
class PrefixIndex:
    """Finds the deepest prefix of a point that some trial has run: by value, as the cache does.

    Attributes:
        facts: The study.
        columns: For each depth, from 1, the parameters that its prefix fixes, shape (K, d).
        groups: For each depth the groups whose instance type its artifact depends on, (K, g).
        trials: For each depth the first trial that ran a prefix, by the prefix's bytes.
    """

    facts: Facts
    columns: NDArray[np.bool_]
    groups: NDArray[np.bool_]
    trials: tuple[dict[bytes, int], ...]

    @classmethod
    def of(
        cls, facts: Facts, names: tuple[str, ...], *, points: Points, depths: NDArray[np.intp]
    ) -> PrefixIndex:
        """The prefixes of some points.

        Args:
            facts: The study.
            names: The parameters, d of them, in the space's order.
            points: N points.
            depths: How many leading stages of each are there, shape (N,).
        """
        columns = np.array([[name in one.parameters for name in names] for one in facts.stages])
        columns = columns.reshape(len(facts.stages), len(names))
        groups = np.zeros((len(facts.stages), points.types.shape[1]), dtype=bool)
        for level, stage in enumerate(facts.stages):
            groups[level:, stage.group] |= stage.bound_to_type
        index = cls(facts, columns, groups, tuple({} for _ in facts.stages))
        for level in range(len(facts.stages)):
            rows = np.flatnonzero(depths > level)
            for row, key in zip(rows, index._keys(points[rows], level), strict=True):
                index.trials[level].setdefault(key, int(row))
        return index

    def depths(self, points: Points) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """How many leading stages of each point are there, and whose they are.

        Returns:
            Depths, shape (C,), and indices of trials, shape (C,), -1 where the depth is 0.
        """
        depths = np.zeros(len(points), dtype=np.intp)
        owners = np.full(len(points), -1, dtype=np.intp)
        alive = np.arange(len(points))
        for level, known in enumerate(self.trials):
            if not known or not len(alive):
                break
            found = np.array([known.get(key, -1) for key in self._keys(points[alive], level)])
            alive, found = alive[found >= 0], found[found >= 0]
            depths[alive], owners[alive] = level + 1, found
        return depths, owners

    def owner(self, points: Points, depth: int) -> int:
        """The first trial that ran the prefix of that depth of one point; -1 if none did."""
        return self.trials[depth - 1].get(self._keys(points, depth - 1)[0], -1)

    def openings(self, trial: int, *, most: int) -> Iterator[Opening]:
        """The prefixes of a trial that leave something open, shortest first.

        Args:
            trial: Index of the trial.
            most: How many of its stages are there.
        """
        free = self.columns[-1]
        for level in range(min(most, len(self.trials) - 1)):
            if bool(np.any(free & ~self.columns[level])) and bool(np.any(self.columns[level])):
                yield Opening(trial, level + 1, self.columns[level], self.groups[level])

    def _keys(self, points: Points, level: int) -> list[bytes]:
        # In steps far below a parameter's rounding: the last place of a coordinate may differ.
        unit = np.rint(points.unit[:, self.columns[level]] * _STEPS).astype(np.int64)
        active = np.ascontiguousarray(points.active[:, self.columns[level]])
        types = np.ascontiguousarray(points.types[:, self.groups[level]])
        return [
            one.tobytes() + two.tobytes() + three.tobytes()
            for one, two, three in zip(unit, active, types, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Cached:
    """Everything whose leading stages are in the cache: this study's trials, and others'.

    Attributes:
        points: This study's N trials, then configurations of other studies.
        depths: How many of their leading stages are stored, shape (n,).
    """

    points: Points
    depths: NDArray[np.intp]


def stored_prefixes(facts: Facts, names: tuple[str, ...], *, cached: Cached) -> PrefixIndex:
    """The prefixes whose artifacts are in the cache."""
    return PrefixIndex.of(facts, names, points=cached.points, depths=cached.depths)


def coming_prefixes(
    facts: Facts, names: tuple[str, ...], *, data: StudyData, reuse: bool = True
) -> PrefixIndex:
    """The prefixes that running trials have stored or will store soon; none without reuse."""
    reusable = next(
        (index for index, stage in enumerate(facts.stages) if not stage.reuse or stage.fidelity),
        len(facts.stages),
    )
    depths = np.where(data.runs, reusable * reuse, 0).astype(np.intp)
    return PrefixIndex.of(facts, names, points=data.points, depths=depths)
