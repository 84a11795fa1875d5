"""How much the spend of a proposal counts, as the budgets stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tuner.acquisition.cooling import eta
from tuner.searchers._protocol import History
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.facts import Facts


@dataclass(frozen=True, slots=True)
class Account:
    """One budget, in its unit.

    Attributes:
        spent: So far.
        pending: What running trials are still expected to spend.
        warm_up: What the trials before the first model had spent.
        total: The budget.
    """

    spent: float
    pending: float
    warm_up: float
    total: float


def spend_weight(
    facts: Facts, history: History, data: StudyData, *, start_up: int, floor: float
) -> float:
    """The exponent eta of the spend: that of the budget that binds, 1 without any.

    Args:
        facts: The study.
        history: What the log says.
        data: The same as arrays.
        start_up: How many trials the study began with.
        floor: The least eta.
    """
    return min(
        (
            eta(
                spent=one.spent,
                pending=one.pending,
                warm_up=one.warm_up,
                total=one.total,
                floor=floor,
            )
            for one in _accounts(facts, history, data, start_up)
        ),
        default=1.0,
    )


def _accounts(facts: Facts, history: History, data: StudyData, start_up: int) -> Iterator[Account]:
    count = len(data) + len(history.forgotten)
    told, warm_up = float(data.paid.sum()), float(data.paid[:start_up].sum())
    paid = told
    if len(history.forgotten):
        # What was forgotten is taken to have cost, one by one, what is still known did.
        paid *= count / len(data)
        warm_up = paid * min(start_up / count, 1.0)
    if facts.max_cost_usd is not None and facts.in_dollars:
        # A running trial is taken to cost what ended ones did in the mean.
        ended = data.paid[~data.is_open & (data.paid > 0.0)]
        running = len(history.open_trials) - len(history.paused)
        pending = running * float(ended.mean()) if len(ended) else 0.0
        yield Account(max(history.spent_usd, told), pending, warm_up, facts.max_cost_usd)
    if facts.max_seconds is not None:
        share = warm_up / paid if paid else 0.0
        elapsed = history.elapsed_seconds
        yield Account(elapsed, 0.0, share * elapsed, facts.max_seconds)
    if facts.max_trials is not None:
        yield Account(float(count), 0.0, float(start_up), float(facts.max_trials))
