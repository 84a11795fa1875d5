"""How all trials of a study stand, for the rules of its end."""

from __future__ import annotations

from tuner.spec.trial import StageState, TrialState, TuningTrialStatus
from tuner.study.ends import ALIKE, Tally
from tuner.study.terms import Terms
from tuner_operator import moments
from tuner_operator.observed import LogView, Observed, TrialView
from tuner_operator.reconcile.flight import waits_at_rung
from tuner_operator.reconcile.money import NOT_COUNTED, pruned, worker_count
from tuner_operator.verdicts import TRIAL_LIMIT


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
        paused=sum(waits_at_rung(one) for one in observed.open_trials),
        completed=kinds.count("completed"),
        stopped=kinds.count("stopped"),
        failed=kinds.count("failed"),
        cancelled=kinds.count("cancelled"),
        first_failures=() if old else _first_failures(observed),
        goals_met=_goals_met(observed, terms=terms),
        workers=worker_count(observed.study.spec) if observed.study.spec else 0,
        exhausted=0 if log is None else len(log.exhausted),
        idle=0 if log is None else log.idle,
    )


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
    return status.state is not None and status.state.is_final and status.state not in NOT_COUNTED


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
