"""From the best candidates to better ones: local search over all coordinates, then L-BFGS.

The score is a black box that prefers thousands of points in one call. How often it is called, and
with how many points, depends on the arguments only.

n starts, D coordinates of the unit cube (see `Cube`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition.ascent import Gradient, Score, central_differences, climb
from tuner.acquisition.moves import Coordinates, perturb

APART = 0.05
"""Starts differ by this much in some coordinate, as long as there are such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is spent on refining.

    The score sees rounds * moves * n points, then (climbs * n + iterations * polished) * (2 D + 7)
    at most.

    Attributes:
        rounds: Rounds of local search; half as many where all coordinates are continua.
        moves: Moves of each start in a round.
        scale: Standard deviation of the first round's moves.
        climbs: Steps of L-BFGS for every start, to see which hill is the highest.
        polished: How many of the best get more of them.
        iterations: How many more.
    """

    rounds: int = 8
    moves: int = 8
    scale: float = 0.15
    climbs: int = 2
    polished: int = 2
    iterations: int = 4


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """What the starts became, in their order.

    Attributes:
        unit: Coordinates, shape (n, D); pinned ones keep every bit.
        score: What they are worth, shape (n,), nowhere less than the start.
    """

    unit: NDArray[np.float64]
    score: NDArray[np.float64]


def choose_starts(
    unit: NDArray[np.float64], score: NDArray[np.float64], *, count: int
) -> NDArray[np.intp]:
    """Indices of good candidates that differ, the best first.

    Args:
        unit: Candidates, shape (C, D).
        score: What they are worth, shape (C,).
        count: How many to choose; fewer if there are fewer candidates.
    """
    order = np.argsort(-score, kind="stable")
    chosen: list[int] = []
    for index in order[: 50 * count]:
        if len(chosen) == count:
            break
        if np.all(np.max(np.abs(unit[chosen] - unit[index]), axis=1, initial=0.0) >= APART):
            chosen.append(int(index))
    rest = [int(index) for index in order[: 2 * count] if int(index) not in chosen]
    return np.array([*chosen, *rest][:count], dtype=np.intp)


def refine(
    score: Score,
    starts: NDArray[np.float64],
    *,
    values: NDArray[np.float64],
    free: NDArray[np.bool_],
    coordinates: Coordinates,
    rng: np.random.Generator,
    effort: Effort | None = None,
    gradient: Gradient | None = None,
) -> Refined:
    """Improves starts, each for itself.

    Args:
        score: What points are worth; it snaps them to configurations itself.
        starts: Shape (n, D); not changed.
        values: Their scores, shape (n,).
        free: Which coordinates may change, shape (n, D): those of a prefix may not.
        coordinates: Their kinds; continua alone are polished.
        rng: Draws the moves.
        effort: How much to spend.
        gradient: The score's gradient; by default central differences.
    """
    effort = effort or Effort()
    unit, worth = _search(score, starts, values, free, coordinates, rng, effort)
    for count, steps in ((len(unit), effort.climbs), (effort.polished, effort.iterations)):
        best = np.argsort(-worth, kind="stable")[:count]
        smooth = free[best] & coordinates.smooth
        unit[best], worth[best] = climb(
            score,
            unit[best],
            worth[best],
            free=smooth,
            gradient=gradient or central_differences(score, free=smooth),
            iterations=steps,
        )
    return Refined(unit, worth)


def _search(
    score: Score,
    starts: NDArray[np.float64],
    values: NDArray[np.float64],
    free: NDArray[np.bool_],
    coordinates: Coordinates,
    rng: np.random.Generator,
    effort: Effort,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Random moves, of which the best is made if it helps; where none does they get smaller.

    Every other round half of the starts drop out, and the others make their moves for them.
    """
    unit, worth = starts.copy(), values.copy()
    scale = np.full(len(starts), effort.scale)
    rounds = effort.rounds // 2 if coordinates.smooth.all() else effort.rounds
    for number in range(rounds if len(starts) else 0):
        left = max(len(starts) >> (number // 2), min(effort.polished, len(starts)))
        rows = np.argsort(-worth, kind="stable")[:left]
        moves = effort.moves * len(starts) // left
        spread = scale[rows] * np.exp(rng.normal(0.0, 0.7, size=(moves, left)))
        tries = perturb(
            np.tile(unit[rows], (moves, 1)),
            scale=spread.ravel(),
            free=np.tile(free[rows], (moves, 1)),
            coordinates=coordinates,
            rng=rng,
        )
        found = score(tries).reshape(moves, left)
        found = np.where(np.isnan(found), -np.inf, found)
        best, columns = np.argmax(found, axis=0), np.arange(left)
        better = found[best, columns] > worth[rows]
        tried = tries.reshape(moves, left, -1)[best, columns]
        unit[rows] = np.where(better[:, None], tried, unit[rows])
        worth[rows] = np.where(better, found[best, columns], worth[rows])
        scale[rows] = np.where(better, spread[best, columns], 0.5 * scale[rows])
    return unit, worth
