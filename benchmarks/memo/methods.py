"""The methods of the memoization benchmark, as factories for the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.baselines import BASELINES, CONTROLS, Setting
from benchmarks.simulate import Context, SearcherFactory, product
from tuner.searchers import Searcher

OURS = "EEIPU"
WARM_UP = 10
ABLATIONS = ("Auto",)
"""Ours in other forms."""

SPEND_BLIND = frozenset({"random", "EI", "EIPS", "LaMBO", "MS_BO"})
"""Baselines whose proposals depend on values and first-run costs alone."""


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


def factory_of(method: str) -> SearcherFactory:
    """The factory of a method by the name under which it is reported."""
    known: Mapping[str, SearcherFactory] = {
        **{name: Baseline(name) for name in (*BASELINES, *CONTROLS)},
        OURS: product("EEIPU"),
        "Auto": product("Auto"),
    }
    return known[method]
