"""Candidates that could not start now are worth nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.hardware import StageChoices
from tuner.surrogates.points import Points

Score = Callable[[Points], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """Which instance types candidates may use.

    Attributes:
        is_open: For each group of stages, whether each of its types may be used.
    """

    is_open: tuple[NDArray[np.bool_], ...]

    @classmethod
    def of(cls, choices: StageChoices, closed: frozenset[str]) -> Closing:
        """All types but the closed ones; all of a group where none would be left."""
        return cls(
            tuple(
                np.array([name in some for name in group.types], dtype=np.bool_)
                for group, some in zip(choices.groups, choices.open_types(closed), strict=True)
            )
        )

    def over(self, score: Score) -> Score:
        """The score, -inf at candidates on closed types: (C,) -> (C,)."""
        if all(bool(one.all()) for one in self.is_open):
            return score

        def within(points: Points) -> NDArray[np.float64]:
            return np.where(self.allows(points.types), score(points), -np.inf)

        return within

    def allows(self, types: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether candidates use open types only: (C, g) -> (C,)."""
        allowed = np.ones(len(types), dtype=np.bool_)
        for group, is_open in enumerate(self.is_open):
            allowed &= is_open[types[:, group]]
        return allowed
