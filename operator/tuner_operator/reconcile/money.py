"""How a study's money, time and trials stand: recounted from what is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import StageState, TrialState, TuningTrialStatus
from tuner.study.budget import Applicant, Ledger, Running
from tuner.study.ends import ALIKE, Tally
from tuner.study.terms import Terms
from tuner.study.verdict import Verdict
from tuner_operator import moments
from tuner_operator.conditions import find
from tuner_operator.observed import LogView, Observed, TrialView
from tuner_operator.reconcile.flight import Flight, spent_seconds
from tuner_operator.verdicts import TRIAL_LIMIT

HOUR = 3600.0
_NOT_COUNTED = (TrialState.CANCELLED, TrialState.REJECTED)


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
    started += sum(one.state not in _NOT_COUNTED for one in old)
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


def tally_of(observed: Observed, *, terms: Terms) -> Tally:
    """How all trials stand, for `end_of`."""
    kinds = [_kind(one.status) for one in observed.trials.values()]
    old = list(pruned(observed).values())
    kinds += [_ended_kind(one.state, failure=one.failure) for one in old]
    log = observed.log
    return Tally(
        proposed=len(kinds),
        queued=kinds.count("queued"),
        open=kinds.count("open"),
        completed=kinds.count("completed"),
        stopped=kinds.count("stopped"),
        failed=kinds.count("failed"),
        cancelled=kinds.count("cancelled"),
        first_failures=() if old else _first_failures(observed),
        goals_met=_goals_met(observed, terms=terms),
        workers=worker_count(observed.study.spec) if observed.study.spec else 0,
        exhausted=0 if log is None else len(log.exhausted),
    )


def applicant_of(trial: TrialView, *, prices: Mapping[str, float]) -> Applicant:
    """A trial without an attempt in flight, as it asks for one."""
    return Applicant(
        trial=trial.name,
        created=trial.created,
        price_per_hour=dearest(trial, prices=prices),
        admitted=bool(trial.status.attempts),
        spent_usd=trial.status.cost or 0.0,
        spent_seconds=spent_seconds(trial.status),
    )


def running_of(flight: Flight, *, now: float, prices: Mapping[str, float]) -> Running:
    """A trial in flight, with what was reserved for it."""
    return Running(
        trial=flight.trial.name,
        price_per_hour=max(flight.price_per_hour, dearest(flight.trial, prices=prices)),
        spent_usd=(flight.trial.status.cost or 0.0) + flight.accrued_usd(now=now),
        worst_usd=flight.segment.worst_cost,
    )


def dearest(trial: TrialView, *, prices: Mapping[str, float]) -> float:
    """USD per hour of the dearest type that the trial uses."""
    used = () if trial.spec is None else trial.spec.instance_types.values()
    return max((prices.get(name, 0.0) for name in used), default=0.0)


def failure_of(trial: TrialView, *, log: LogView | None) -> str:
    """What a trial failed of, as its verdict says; empty unless it counts as failed."""
    status = trial.status
    counts = status.state is TrialState.FAILED or _at_limit(status)
    if not counts:
        return ""
    verdicts = () if log is None else log.ended.get(trial.name, ())
    said = next((one.failure for one in verdicts if one.state.is_final and one.failure), "")
    # The log may be read later: then stage and word stand for it.
    broken = [one.name for one in status.stages or () if one.outcome is StageState.FAILED]
    return said or " in ".join([status.reason or str(status.state), *broken[-1:]])


def _from_log(verdicts: tuple[Verdict, ...]) -> Pruned:
    final = next((one for one in verdicts if one.state.is_final), verdicts[-1])
    return Pruned(
        state=final.state,
        cost_usd=sum(one.cost_usd for one in verdicts),
        lost_usd=sum(one.cost_usd for one in verdicts if one.infrastructure),
        failure=final.failure,
    )


def _started(trial: TrialView) -> bool:
    return bool(trial.status.attempts) and trial.status.state not in _NOT_COUNTED


def _kind(status: TuningTrialStatus) -> str:
    if status.state is None or not status.state.is_final:
        return "open" if status.attempts else "queued"
    return _ended_kind(status.state, failure=status.reason if _at_limit(status) else "")


def _at_limit(status: TuningTrialStatus) -> bool:
    return status.state is TrialState.STOPPED and status.reason == TRIAL_LIMIT


def _ended_kind(state: TrialState, *, failure: str | None) -> str:
    if failure or state is TrialState.FAILED:
        return "failed"
    known = {TrialState.COMPLETED: "completed", TrialState.STOPPED: "stopped"}
    return known.get(state, "cancelled")


def _first_failures(observed: Observed) -> tuple[str, ...]:
    """What the first trials to end said; one that did not fail is like no other."""
    ended = [
        (moments.seconds_of(one.status.completion_time) or 0.0, one.name, one)
        for one in observed.trials.values()
        if one.status.state is not None and _counts(one.status)
    ]
    first = sorted(ended, key=lambda one: one[:2])[:ALIKE]
    return tuple(failure_of(one, log=observed.log) or name for _, name, one in first)


def _counts(status: TuningTrialStatus) -> bool:
    return status.state is not None and status.state.is_final and status.state not in _NOT_COUNTED


def _goals_met(observed: Observed, *, terms: Terms) -> bool:
    goals = [one for one in terms.objectives if one.goal is not None]
    if not goals:
        return False
    log = observed.log
    if log is not None and log.summary is not None and log.summary.goals_met:
        return True
    return any(_meets(one.status, terms=terms) for one in observed.trials.values())


def _meets(status: TuningTrialStatus, *, terms: Terms) -> bool:
    if status.state is not TrialState.COMPLETED:
        return False
    metrics = status.metrics or {}
    return all(
        one.metric in metrics and one.meets_goal(metrics[one.metric])
        for one in terms.objectives
        if one.goal is not None
    ) and all(one.holds(metrics.get(one.metric)) for one in terms.constraints)
