"""The methods of the memoization benchmark, as factories for the simulator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.baselines import BASELINES, CONTROLS, Setting
from benchmarks.simulate import Context, SearcherFactory, product
from tuner.searchers import Searcher
from tuner.searchers.auto import SETTINGS as OF_TYPE
from tuner.searchers.auto import engine_searcher
from tuner.searchers.engine import EngineSettings
from tuner.spec import SearcherType

EEIPU = OF_TYPE[SearcherType.EEIPU]

OURS = "EEIPU"
WARM_UP = 10
ABLATIONS = ("cooled to 0", "eta = 0")
"""Ours, with spend counting less and less as in the paper, or never; ours keeps eta = 1."""

SPEND_BLIND = frozenset({"random", "EI", "EIPS", "LaMBO", "MS_BO"})
"""Baselines whose proposals depend on values and first-run costs alone."""

SETTINGS = {
    "cooled to 0": replace(EEIPU, alone_floor=0.0),
    "eta = 0": replace(EEIPU, cost_aware=False),
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline or a control by its name."""

    name: str

    def __call__(self, context: Context) -> Searcher:
        """See `SearcherFactory`."""
        setting = Setting(
            spec=context.spec,
            space=context.space,
            choices=context.choices,
            instance_types=context.instance_types,
            warm_up=WARM_UP,
        )
        return {**BASELINES, **CONTROLS}[self.name](setting)


@dataclass(frozen=True, slots=True)
class Ablation:
    """The engine under other settings."""

    settings: EngineSettings

    def __call__(self, context: Context) -> Searcher:
        """See `SearcherFactory`."""
        return engine_searcher(
            context.spec,
            joint=context.joint,
            instance_types=context.instance_types,
            settings=self.settings,
        )


def factory_of(method: str) -> SearcherFactory:
    """The factory of a method by the name under which it is reported."""
    if method in SETTINGS:
        return Ablation(SETTINGS[method])
    return product(method) if method == OURS else Baseline(method)
