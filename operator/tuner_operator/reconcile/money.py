"""How a study's money, time and trials stand: recounted from what is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.budget import Applicant, Ledger, Running
from tuner.study.verdict import Verdict
from tuner_operator import moments
from tuner_operator.conditions import find
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.flight import Flight, spent_seconds

HOUR = 3600.0
NOT_COUNTED = (TrialState.CANCELLED, TrialState.REJECTED)
"""States of trials that count for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """A trial that has ended and is in the log alone."""

    state: TrialState
    cost_usd: float
    lost_usd: float
    failure: str


def pruned(observed: Observed) -> Mapping[str, Pruned]:
    """The trials that the log knows to have ended and the API server no longer has."""
    if observed.log is None:
        return {}
    return {
        name: _from_log(verdicts)
        for name, verdicts in observed.log.ended.items()
        if name not in observed.trials
    }


def history_is_complete(observed: Observed) -> bool:
    """Whether every trial is in sight; not before the log was read, if some were pruned."""
    known = observed.study.status.trials
    return observed.log is not None or known is None or known.total <= len(observed.trials)


def ledger_of(observed: Observed, *, flights: Iterable[Flight]) -> Ledger:
    """What is spent, running attempts and workers included, and the study's clock."""
    trials = observed.trials.values()
    spent = sum(one.status.cost or 0.0 for one in trials)
    spent += sum(one.accrued_usd(now=observed.now) for one in flights)
    old = pruned(observed).values()
    spent += sum(one.cost_usd for one in old)
    started = sum(_started(one) for one in trials)
    started += sum(one.state not in NOT_COUNTED for one in old)
    seconds = clock_seconds(observed)
    return Ledger(
        spent_usd=spent + workers_usd(observed, seconds=seconds),
        started=started,
        seconds=seconds,
        now=observed.now,
    )


def clock_seconds(observed: Observed) -> float:
    """How long the study has run: it runs while the condition Progressing is True."""
    status = observed.study.status
    base = status.running_seconds or 0.0
    progressing = find(status.conditions, words.PROGRESSING)
    if progressing is None or progressing.status is not ConditionStatus.TRUE:
        return base
    since = moments.seconds_of(progressing.last_transition_time) or observed.now
    return base + max(0.0, observed.now - since)


def worker_count(spec: TuningStudySpec) -> int:
    """How many workers propose: one for so many parallel trials."""
    return -(-spec.parallel_trials // spec.workers.trials_per_worker)


def workers_usd(observed: Observed, *, seconds: float) -> float:
    """What the workers have cost, if the installation gives them a price."""
    if observed.study.spec is None:
        return 0.0
    hours = seconds / HOUR * worker_count(observed.study.spec)
    return hours * observed.settings.worker_price_per_hour


def applicant_of(
    trial: TrialView, *, prices: Mapping[str, float], holdable: bool = False
) -> Applicant:
    """A trial without an attempt in flight, as it asks for one."""
    return Applicant(
        trial=trial.name,
        created=trial.created,
        price_per_hour=dearest(trial, prices=prices),
        admitted=bool(trial.status.attempts),
        spent_usd=trial.status.cost or 0.0,
        spent_seconds=spent_seconds(trial.status),
        holdable=holdable,
    )


def running_of(flight: Flight, *, now: float, prices: Mapping[str, float]) -> Running:
    """A trial in flight, with what was reserved for it."""
    return Running(
        trial=flight.trial.name,
        price_per_hour=max(flight.price_per_hour, dearest(flight.trial, prices=prices)),
        spent_usd=(flight.trial.status.cost or 0.0) + flight.accrued_usd(now=now),
        worst_usd=flight.segment.worst_cost,
        held=flight.held,
    )


def prices_for(trial: TrialView, *, prices: Mapping[str, float]) -> dict[str, float]:
    """USD per hour of the types that the trial uses: as first admitted, else as they are now."""
    used = () if trial.spec is None else trial.spec.instance_types.values()
    agreed = trial.status.prices or {}
    return {name: agreed.get(name, prices.get(name, 0.0)) for name in used}


def dearest(trial: TrialView, *, prices: Mapping[str, float]) -> float:
    """USD per hour of the dearest type that the trial uses."""
    return max(prices_for(trial, prices=prices).values(), default=0.0)


def _from_log(verdicts: tuple[Verdict, ...]) -> Pruned:
    final = next((one for one in verdicts if one.state.is_final), verdicts[-1])
    return Pruned(
        state=final.state,
        cost_usd=sum(one.cost_usd for one in verdicts),
        lost_usd=sum(one.cost_usd for one in verdicts if one.infrastructure),
        failure=final.failure,
    )


def _started(trial: TrialView) -> bool:
    return bool(trial.status.attempts) and trial.status.state not in NOT_COUNTED
