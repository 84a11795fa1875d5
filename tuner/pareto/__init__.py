"""Many objectives at once: dominance, fronts, order inside a front, hypervolume.

Plain Python on purpose: the agent in every trial pod decides at rungs with it and carries no
numerical library. Points are sequences of floats; `minimize` says for each objective whether lower
is better. Results do not depend on the order of the points or of the objectives.
"""

from tuner.pareto.dominance import (
    dominates,
    non_dominated_sort,
    oriented,
    pareto_front,
    sort_into_fronts,
)
from tuner.pareto.hypervolume import hypervolume
from tuner.pareto.net import net_order, scaled_ranks, weight_before
from tuner.pareto.peeling import split_at

__all__ = [
    "dominates",
    "hypervolume",
    "net_order",
    "non_dominated_sort",
    "oriented",
    "pareto_front",
    "scaled_ranks",
    "sort_into_fronts",
    "split_at",
    "weight_before",
]
