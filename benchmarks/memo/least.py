"""The least value that a problem has, by brute force: what no searcher can improve upon."""

from __future__ import annotations

from functools import lru_cache

from benchmarks.problems.reachable import reachable
from benchmarks.problems.registry import load

SEARCHES = 6
SAMPLES, ROUNDS, CHILDREN = 600, 70, 50
"""Of each search: random configurations, then rounds of moves from the best."""


@lru_cache
def least(problem: str, *, searches: int = SEARCHES) -> float:
    """The least value of a problem's only objective, minimised, over a few searches.

    Args:
        problem: As on the command line.
        searches: How many.
    """
    known = load(problem)
    (objective,) = known.declared.objectives
    sign = 1.0 if objective["direction"] == "Minimize" else -1.0
    metric = str(objective["metric"])
    searches = (
        reachable(known, samples=SAMPLES, rounds=ROUNDS, children=CHILDREN, seed=seed)
        for seed in range(searches)
    )
    return min(sign * one[metric] for search in searches for one in search.metrics)
