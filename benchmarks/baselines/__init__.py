"""The methods that memoisation-aware search is compared with, as searchers on the same models."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.baselines.improvement import (
    ImprovementSearcher,
    cooled,
    stage_costs,
    total_cost,
)
from benchmarks.baselines.lambo import LamboSearcher
from benchmarks.baselines.prefix import BestPrefixSearcher, MultiStageSearcher
from benchmarks.baselines.setting import Seen, Setting
from tuner.searchers import Searcher
from tuner.searchers.random import RandomSearcher

__all__ = ["BASELINES", "CONTROLS", "Seen", "Setting"]

BASELINES: Mapping[str, Callable[[Setting], Searcher]] = {
    "random": lambda setting: RandomSearcher(setting.joint),
    "EI": lambda setting: ImprovementSearcher(name="EI", setting=setting),
    "EIPS": lambda setting: ImprovementSearcher(name="EIPS", setting=setting, cost=total_cost),
    "CArBO": lambda setting: ImprovementSearcher(
        name="CArBO", setting=setting, cost=total_cost, exponent=cooled
    ),
    "MS-CArBO": lambda setting: ImprovementSearcher(
        name="MS-CArBO", setting=setting, cost=stage_costs, exponent=cooled
    ),
    "LaMBO": lambda setting: LamboSearcher(setting=setting),
    "MS_BO": lambda setting: MultiStageSearcher(setting=setting),
}
"""The paper's seven, by the paper's names."""

CONTROLS: Mapping[str, Callable[[Setting], Searcher]] = {
    "best prefix": lambda setting: BestPrefixSearcher(setting=setting),
}
"""What is too simple to be a baseline and could still explain a gain."""
