"""Hypervolume improvement over a front, exact and fast enough for a hundred thousand points.

Let V(y) be the volume of what y dominates, the front does not, and the reference bounds: the
improvement of y. The coordinates of the front cut space into boxes, in each of which either all
points are dominated or none. Hence V is linear in each coordinate inside a box, and its values at
the boxes' corners say it everywhere: one sweep over the grid of corners computes them, and a
point's improvement is one multilinear interpolation, O(M log k + 2^M) however long the front is.

The grid has (k + 2)^M corners, so k is bounded for M > 2 (see `Grid.most_points`). A longer front
is thinned to its most spread-out points; samples that a point left out dominates still gain
nothing. Above `EXACT_OBJECTIVES` objectives volumes are estimated instead, by `scalarisation`.

M objectives, all minimised; k points of the front; S samples of C candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.fronts import best_points, dominated, shortfall, spread
from tuner.acquisition.grid import Grid
from tuner.acquisition.scalarisation import Scalarisations

EXACT_OBJECTIVES = 4
"""With more objectives a grid that fits would be too coarse."""

NEGLIGIBLE = 1e-6
"""Below this share of the whole volume a candidate's improvement is topped up by a tail."""

TAIL = 1e-9
"""Height of that tail, as a share of the whole volume: it decides only between hopeless ones."""

REACH = 0.1
"""Shortfall, in edges of the front's box, at which the tail is down to a half."""

TAIL_SAMPLES = 16
"""How many samples the tail is averaged over; it needs no precision."""


class Volume(Protocol):
    """Something that knows the hypervolume improvement of points."""

    def improvement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much volume each point adds: (n, M) -> (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class FrontBoxes:
    """The region that a front leaves to be won.

    Attributes:
        front: The points that nothing dominates and that are better than the reference in every
            objective, shape (k, M).
        reference: A vector worse than all that should count, shape (M,).
        scale: Edge lengths of the box between the front's best coordinates and the reference,
            shape (M,); ones if the front is empty.
        omitted: Those points of the front that `volume` does not know of, shape (l, M).
        volume: Computes improvements.

    Example:
        >>> boxes = FrontBoxes.of(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0]))
        >>> float(boxes.improvement(np.array([[[1.0, 1.0]]]))[0, 0])
        1.0
    """

    front: NDArray[np.float64]
    reference: NDArray[np.float64]
    scale: NDArray[np.float64]
    omitted: NDArray[np.float64]
    volume: Volume

    @classmethod
    def of(cls, front: NDArray[np.float64], reference: NDArray[np.float64]) -> FrontBoxes:
        """The region that these points leave.

        Args:
            front: Objective vectors, shape (k, M), k may be 0; those that are dominated or not
                better than the reference in every objective are passed over.
            reference: A vector worse than all that should count, shape (M,), finite.
        """
        best = best_points(front[np.all(front < reference, axis=1)])
        scale = reference - best.min(axis=0) if len(best) else np.ones(len(reference))
        if len(reference) > EXACT_OBJECTIVES:
            volume = Scalarisations.of(best, reference=reference, scale=scale)
            return cls(best, reference, scale, best[:0], volume)
        kept = spread(best / scale, Grid.most_points(len(reference)))
        grid = Grid.of(best[kept], reference=reference, scale=scale)
        return cls(best, reference, scale, np.delete(best, kept, axis=0), grid)

    def improvement(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """The hypervolume that each sample would add: (S, C, M) -> (S, C).

        Args:
            samples: Objective vectors; infinitely bad ones add nothing.
        """
        points = samples.reshape(-1, samples.shape[-1])
        gain = self.volume.improvement(points)
        if len(self.omitted):
            winners = np.flatnonzero(gain)
            gain[winners[dominated(points[winners], self.omitted)]] = 0.0
        return gain.reshape(samples.shape[:-1])

    def smoothed(
        self, samples: NDArray[np.float64], improvement: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The improvements, topped up where they vanish so that candidates can be told apart.

        To candidates that gain next to nothing in the mean, a tail is added that falls with how
        far samples are from gaining, and that never reaches zero: shape 1 / (1 + d^2), a fat tail
        as in the logarithmic acquisition functions of Ament et al. (2023). It is so low that it
        decides only where there is nothing else to decide by.

        Args:
            samples: Objective vectors, shape (S, C, M).
            improvement: What `improvement` gives for them, shape (S, C).
        """
        whole = float(np.prod(self.scale))
        hopeless = np.flatnonzero(improvement.mean(axis=0) < NEGLIGIBLE * whole)
        if not len(hopeless):
            return improvement
        some = samples[:TAIL_SAMPLES, hopeless]
        missing = self.shortfall(some.reshape(-1, some.shape[-1])).reshape(some.shape[:-1])
        tail = np.mean(1.0 / (1.0 + (missing / REACH) ** 2), axis=0)
        smoothed = improvement.copy()
        smoothed[:, hopeless] += TAIL * whole * tail
        return smoothed

    def shortfall(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far points must fall in all objectives at once to gain, in `scale`: (n, M) -> (n,).

        0 for points that gain already.
        """
        return shortfall(
            points / self.scale, front=self.front / self.scale, corner=self.reference / self.scale
        )
