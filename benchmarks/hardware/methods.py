"""Who takes part: ours and its ablations, the papers' baseline, peers, and cheap controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks._contenders import engine_of, peer_of
from benchmarks.hardware import shipped
from benchmarks.hardware.controls import asha, cheap_first, corrected, random_in_full
from benchmarks.hardware.searched import Goal, searched
from benchmarks.hardware.steps import Step, Steps, charged
from benchmarks.problems.tables import Table
from benchmarks.simulate import Context, SearcherFactory
from tuner.searchers import Searcher
from tuner.searchers.engine import EngineSettings
from tuner.searchers.joint import Configuration

OURS = "Auto"
BASELINE = "accuracy-only ASHA"
Policy = Callable[..., Iterator[Step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a method is given.

    Attributes:
        table: The problem.
        seed: Of the run.
        budget_usd: What may be spent.
        max_trials: At most so many.
        prior: What earlier studies taught, for those that learn from them.
        start: The configurations that earlier studies would try first, for everybody else.
        order: Rows by what they were worth on average in earlier studies, best first.
        until: When searchers may stop, as the rest would not be looked at.
    """

    table: Table
    seed: int
    budget_usd: float
    max_trials: int | None = None
    prior: object | None = None
    start: Sequence[Configuration] = ()
    order: Sequence[int] = ()
    until: Goal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One contender.

    Attributes:
        name: In tables.
        kind: "ours", "ablation", "baseline", "peer", "control", or "oracle": it knows more.
        policy: Of those without a model; it takes a table and a seed.
        settings: Of our engine.
        peer: A name that `make_peer` knows.
        variant: Of the product's Hyperband; empty where every trial runs in full.
        transfer: Whether it learns from earlier studies.
        accurate: Whether it takes its most accurate trial, whatever that costs.
        needs: The library that it needs.
        ordered: Whether it only follows the order of earlier studies.
        everything: Whether it knows all of them, not only the part that ours learns from.
    """

    name: str
    kind: str
    policy: Policy | None = None
    settings: EngineSettings | None = None
    peer: str = ""
    variant: str = ""
    transfer: bool = False
    accurate: bool = False
    needs: str = ""
    ordered: bool = False
    everything: bool = False

    def run(self, setting: Setting) -> Steps:
        """What it comes to."""
        if self.settings is None and not self.peer:
            return charged(
                setting.table,
                self._steps(setting),
                budget_usd=setting.budget_usd,
                max_steps=setting.max_trials,
            )
        return searched(
            setting.table,
            self._factory,
            seed=setting.seed,
            budget_usd=setting.budget_usd,
            scheduler=self._scheduler(setting.table),
            max_trials=setting.max_trials,
            start=list(setting.start) if self.peer else None,
            prior=setting.prior if self.transfer else None,
            until=setting.until,
        )

    def _scheduler(self, table: Table) -> dict[str, object] | None:
        if not self.variant or table.declared.fidelity is None:
            return None
        return {
            "type": "Hyperband",
            "variant": self.variant,
            "reductionFactor": table.reduction,
        }

    def _steps(self, setting: Setting) -> Iterator[Step]:
        if self.ordered:
            full = len(setting.table.levels) - 1
            return ((row, full) for row in setting.order)
        if self.policy is None:
            raise ValueError(f"{self.name} has neither a policy nor a searcher")
        return self.policy(setting.table, seed=setting.seed)

    @property
    def _factory(self) -> SearcherFactory:
        return self._searcher

    def _searcher(self, context: Context) -> Searcher:
        if self.settings is None:
            return peer_of(context, self.peer)
        return engine_of(context, self.settings)


ACCURACY = partial(asha, continues=corrected, objectives=(0,))

METHODS: Mapping[str, Method] = {
    one.name: one
    for one in (
        Method(
            name=OURS,
            kind="ours",
            settings=EngineSettings(),
            transfer=True,
            variant="Promotion",
        ),
        Method(
            name="Auto, no transfer",
            kind="ablation",
            settings=EngineSettings(transfer=False),
            variant="Promotion",
        ),
        Method(
            name="Auto, stopping",
            kind="ablation",
            settings=EngineSettings(),
            transfer=True,
            variant="Stopping",
        ),
        Method(name="Auto, in full", kind="ablation", settings=EngineSettings(), transfer=True),
        Method(
            name="Auto, no cost", kind="ablation", settings=EngineSettings(cost_aware=False),
            transfer=True,
        ),
        Method(name=BASELINE, kind="baseline", policy=ACCURACY, accurate=True),
        Method(name="selection only", kind="control", policy=ACCURACY),
        Method(name="random in full", kind="control", policy=random_in_full),
        Method(name="cheap first, USD", kind="control", policy=cheap_first),
        Method(
            name="cheap first, seconds", kind="control", policy=partial(cheap_first, by="runtime")
        ),
        Method(
            name="MO-ASHA, corrected", kind="control", policy=partial(asha, continues=corrected)
        ),
        Method(
            name="MO-ASHA, fixed objective", kind="peer", needs="syne_tune",
            policy=partial(shipped.moasha, fixed=True),
        ),
        Method(
            name="MO-ASHA, as shipped", kind="peer", needs="syne_tune",
            policy=partial(shipped.moasha, fixed=False),
        ),
        Method(name="optuna NSGA-II", kind="peer", peer="optuna-nsga2", needs="optuna"),
        Method(name="optuna TPE", kind="peer", peer="optuna-tpe", needs="optuna"),
        Method(name="optuna GP (EHVI)", kind="peer", peer="optuna-gp", needs="optuna"),
        Method(name="order of earlier studies", kind="control", ordered=True),
        Method(
            name="order of earlier studies, all rows", kind="oracle", ordered=True, everything=True
        ),
    )
}  # fmt: skip
"""By name."""


def average_order(table: Table, sources: Sequence[Table]) -> list[int]:
    """Rows from the best on average in other tables, taking turns between the objectives.

    Objectives are standardised within each source; a row that a source does not have counts there
    as its mean.

    Args:
        table: Whose rows.
        sources: Tables of other tasks.
    """
    scores = np.mean([_scores(table, one) for one in sources], axis=0)
    orders = [np.argsort(column, kind="stable").tolist() for column in scores.T]
    turns = [row for rows in zip(*orders, strict=True) for row in rows]
    return list(dict.fromkeys(turns))


def _scores(table: Table, source: Table) -> np.ndarray:
    raw = source.objectives()
    standard = (raw - raw.mean(0)) / np.maximum(raw.std(0), 1e-12)
    found = np.zeros((len(table), raw.shape[1]))
    for row in range(len(table)):
        try:
            found[row] = standard[source.row(table.parameters[row], table.types[row])]
        except KeyError:
            continue
    return found
