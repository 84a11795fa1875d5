"""Admission: which trials may start, for how long, and what they can cost at worst.

Pure arithmetic over what is known now; the operator and `tuner run` decide with the same functions.
A trial is admitted when

    spent + worst case of what runs + its own worst case <= maxCost

in order of creation, then name. A trial without limits of its own may use its share of the free
money (free / free places), so that its deadline bounds it: spend stays within the budget even when
nobody is there to stop anything.

A study that looks ahead may start trials beyond its places. They are *held*: reserved for like any
other, with the longest time that they may wait on top, and never told that money was short, for
nothing was owed to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuner.study.claims import (
    HOUR,
    Admission,
    Ahead,
    Applicant,
    Bound,
    Grant,
    Ledger,
    Refusal,
    Running,
    Wait,
    burn_per_hour,
    lasts_seconds,
)
from tuner.study.terms import Terms

__all__ = [
    "HOUR",
    "LEAST_SECONDS",
    "Admission",
    "Ahead",
    "Applicant",
    "Bound",
    "Grant",
    "Ledger",
    "Refusal",
    "Running",
    "Wait",
    "admit",
    "burn_per_hour",
    "lasts_seconds",
    "worst_case_usd",
]

LEAST_SECONDS = 30.0
"""Money that buys less time than this is not worth a pod; no share is smaller."""

_TOLERANCE_USD = 1e-9
_NOT_AHEAD = Ahead()


def admit(
    applicants: Iterable[Applicant],
    *,
    running: Sequence[Running],
    terms: Terms,
    ledger: Ledger,
    ahead: Ahead = _NOT_AHEAD,
) -> Admission:
    """Decides about all applicants, oldest first.

    One that fits only once others have ended keeps the younger ones waiting, so that it is not
    starved; one that can never fit is passed over.
    """
    running = list(running)
    grants: list[Grant] = []
    refusals: list[Refusal] = []
    started = ledger.started
    blocked: Refusal | None = None
    for applicant in sorted(applicants, key=lambda one: (one.created, one.trial)):
        if blocked is not None:
            refusals.append(_behind(applicant, blocked))
            continue
        outcome = _decide(
            applicant, running=running, terms=terms, ledger=ledger, started=started, ahead=ahead
        )
        if isinstance(outcome, Refusal):
            refusals.append(outcome)
            blocked = None if outcome.final else outcome
            continue
        grants.append(outcome)
        started += not applicant.admitted
        running.append(_as_running(applicant, outcome))
    return Admission(grants=tuple(grants), refusals=tuple(refusals))


def worst_case_usd(applicant: Applicant, *, terms: Terms) -> float | None:
    """What the trial's own limits let it cost, earlier attempts included; None: no limits."""
    limits = terms.limits
    bounds = []
    if limits.max_cost_usd is not None:
        bounds.append(limits.max_cost_usd)
    if limits.max_seconds is not None:
        left = max(0.0, limits.max_seconds - applicant.spent_seconds)
        bounds.append(applicant.spent_usd + left * applicant.price_per_hour / HOUR)
    if applicant.price_per_hour == 0:
        bounds.append(applicant.spent_usd)
    return min(bounds, default=None)


def _decide(
    applicant: Applicant,
    *,
    running: Sequence[Running],
    terms: Terms,
    ledger: Ledger,
    started: int,
    ahead: Ahead,
) -> Grant | Refusal:
    refusal = _refused_before_money(applicant, terms=terms, ledger=ledger, started=started)
    if refusal is not None:
        return refusal
    taken = sum(not one.held for one in running)
    if taken < terms.parallel_trials:
        places = terms.parallel_trials + ahead.places - len(running)
        return _pay(applicant, running=running, terms=terms, ledger=ledger, places=places)
    full = Refusal(
        trial=applicant.trial,
        reason=Wait.PARALLEL_TRIALS,
        message=f"{taken} trials are running",
    )
    places = ahead.places - (len(running) - taken)
    if not applicant.holdable or places <= 0:
        return full
    held = _pay(
        applicant,
        running=running,
        terms=terms,
        ledger=ledger,
        places=places,
        hold_seconds=ahead.seconds,
    )
    return full if isinstance(held, Refusal) else replace(held, held=True)


def _pay(
    applicant: Applicant,
    *,
    running: Sequence[Running],
    terms: Terms,
    ledger: Ledger,
    places: int,
    hold_seconds: float = 0.0,
) -> Grant | Refusal:
    """Whether there is money for it; `places` share what is free of it."""
    worst = worst_case_usd(applicant, terms=terms)
    hold = hold_seconds * applicant.price_per_hour / HOUR
    if terms.budget.max_cost_usd is None:
        return _grant(applicant, worst=worst, hold=hold, shared=False, terms=terms, ledger=ledger)
    left = terms.budget.max_cost_usd - ledger.spent_usd
    free = left - sum(one.reserved_usd for one in running) - hold
    shared = worst is None
    if worst is None:
        asked = LEAST_SECONDS * applicant.price_per_hour / HOUR
        share = free / max(1, places)
        offered = max(share, min(asked, free))
        worst = applicant.spent_usd + offered
    else:
        asked, offered = worst - applicant.spent_usd, free
    if asked > offered + _TOLERANCE_USD:
        return _no_money(applicant, asked=asked, free=free, left=left)
    return _grant(applicant, worst=worst, hold=hold, shared=shared, terms=terms, ledger=ledger)


def _refused_before_money(
    applicant: Applicant, *, terms: Terms, ledger: Ledger, started: int
) -> Refusal | None:
    def refuse(reason: Wait, message: str, *, final: bool = False) -> Refusal:
        return Refusal(trial=applicant.trial, reason=reason, message=message, final=final)

    budget, limits = terms.budget, terms.limits
    if terms.suspended:
        return refuse(Wait.SUSPENDED, "the study is suspended")
    if _time_left(terms, ledger=ledger) <= 0:
        return refuse(Wait.TIME_OVER, "the study's time is over", final=True)
    if limits.max_seconds is not None and applicant.spent_seconds >= limits.max_seconds:
        return refuse(Wait.LIMIT_USED_UP, "trialLimits.maxDuration is used up", final=True)
    if limits.max_cost_usd is not None and applicant.spent_usd >= limits.max_cost_usd:
        return refuse(Wait.LIMIT_USED_UP, "trialLimits.maxCost is used up", final=True)
    if budget.max_trials is not None and not applicant.admitted and started >= budget.max_trials:
        message = f"{started} of {budget.max_trials} trials have been started"
        return refuse(Wait.MAX_TRIALS, message, final=True)
    return None


def _no_money(applicant: Applicant, *, asked: float, free: float, left: float) -> Refusal:
    final = asked > left + _TOLERANCE_USD
    return Refusal(
        trial=applicant.trial,
        reason=Wait.UNAFFORDABLE if final else Wait.BUDGET,
        message=f"needs up to ${asked:.4g}, ${max(0.0, free):.4g} of the budget are free",
        final=final,
    )


def _grant(
    applicant: Applicant,
    *,
    worst: float | None,
    hold: float,
    shared: bool,
    terms: Terms,
    ledger: Ledger,
) -> Grant:
    bounds: list[tuple[float, Bound]] = []
    if worst is not None and applicant.price_per_hour > 0:
        seconds = (worst - applicant.spent_usd) / applicant.price_per_hour * HOUR
        bounds.append((seconds, Bound.BUDGET if shared else Bound.TRIAL_LIMIT))
    if terms.limits.max_seconds is not None:
        left = terms.limits.max_seconds - applicant.spent_seconds
        bounds.append((left, Bound.TRIAL_LIMIT))
    time_left = _time_left(terms, ledger=ledger)
    if math.isfinite(time_left):
        bounds.append((time_left, Bound.DEADLINE))
    seconds_left, bound = min(bounds, default=(math.inf, Bound.NONE))
    return Grant(
        trial=applicant.trial,
        worst_usd=None if worst is None else worst + hold,
        deadline_seconds=seconds_left if math.isfinite(seconds_left) else None,
        bound=bound,
    )


def _time_left(terms: Terms, *, ledger: Ledger) -> float:
    budget = terms.budget
    by_clock = math.inf if budget.max_seconds is None else budget.max_seconds - ledger.seconds
    by_date = math.inf if budget.deadline is None else budget.deadline - ledger.now
    return min(by_clock, by_date)


def _behind(applicant: Applicant, blocked: Refusal) -> Refusal:
    message = f"waits behind {blocked.trial}: {blocked.message}"
    return Refusal(trial=applicant.trial, reason=blocked.reason, message=message)


def _as_running(applicant: Applicant, grant: Grant) -> Running:
    return Running(
        trial=applicant.trial,
        price_per_hour=applicant.price_per_hour,
        spent_usd=applicant.spent_usd,
        worst_usd=grant.worst_usd,
        held=grant.held,
    )
