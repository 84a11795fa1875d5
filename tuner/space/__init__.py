"""The search space: typed parameters, their unit-cube encoding, conditions between them."""

from tuner.space.dimension import Dimension
from tuner.space.domains import (
    CategoricalDomain,
    Domain,
    OrdinalDomain,
    domain_of,
)
from tuner.space.ranges import FloatDomain, IntegerDomain
from tuner.space.space import Canonical, SearchSpace

__all__ = [
    "Canonical",
    "CategoricalDomain",
    "Dimension",
    "Domain",
    "FloatDomain",
    "IntegerDomain",
    "OrdinalDomain",
    "SearchSpace",
    "domain_of",
]
