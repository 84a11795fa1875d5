"""The study's status: a summary of what is observed, and of what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.quantities import format_duration
from tuner.spec.status import (
    MAX_FRONT,
    ParetoPoint,
    ScarceType,
    StudyCost,
    StudyState,
    StudySummary,
    TrialCounts,
    TuningStudyStatus,
)
from tuner.spec.trial import TrialState
from tuner.study.budget import Ledger
from tuner.study.ends import End
from tuner.study.summary import Point
from tuner.study.terms import Terms
from tuner_operator import moments
from tuner_operator.conditions import Finding, is_true, merge
from tuner_operator.names import STUDY_LABEL
from tuner_operator.observed import Observed
from tuner_operator.reconcile.acceptance import Acceptance
from tuner_operator.reconcile.flight import Flight
from tuner_operator.reconcile.money import pruned, workers_usd
from tuner_operator.reconcile.transfer import transfer_ready
from tuner_operator.verdicts import USER_MUST_ACT

_RUNNING = (TrialState.RUNNING, TrialState.STARTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the status is made of.

    Attributes:
        flights: Attempts in flight after this pass.
        open: How many trials have not ended after this pass.
        workers_ready: The condition.
        end: What is due.
        hopeless: Whether it is for want of money alone that it is.
        scarce: Instance types with too little room.
    """

    acceptance: Acceptance
    ledger: Ledger
    terms: Terms | None
    flights: Sequence[Flight]
    open: int
    workers_ready: Finding | None
    end: End | None
    hopeless: bool = False
    scarce: tuple[ScarceType, ...] = ()


def study_status(observed: Observed, standing: Standing) -> TuningStudyStatus:
    """The status as it should be now."""
    old, study = observed.study.status, observed.study
    finished = standing.end is not None and standing.open == 0
    start = old.start_time
    if start is None and standing.flights:
        start = moments.moment(observed.now)
    findings = [
        standing.acceptance.accepted,
        standing.acceptance.store,
        *([] if standing.workers_ready is None else [standing.workers_ready]),
        *transfer_ready(observed),
        _progressing(observed, standing, started=start is not None, finished=finished),
        _suspended(observed, standing),
        _succeeded(standing, finished=finished),
    ]
    conditions = merge(old.conditions, findings, now=observed.now, generation=study.generation)
    was, runs = (is_true(one, words.PROGRESSING) for one in (old.conditions, conditions))
    done = old.completion_time or moments.moment(observed.now)
    counts = _counts(observed, standing)
    update: dict[str, object] = {
        "observed_generation": study.generation,
        "conditions": conditions,
        "trials": counts,
        "cost": _cost(observed, standing),
        "scarce": standing.scarce or None,
        "parallel_trials": sum(not one.held for one in standing.flights),
        "selector": f"{STUDY_LABEL}={study.ref.name}",
        "start_time": start,
        "completion_time": done if finished else None,
        "running_seconds": standing.ledger.seconds if was and not runs else old.running_seconds,
        **_found(observed),
    }
    status = old.model_copy(update=update)
    shown = {
        "state": _state(status, standing, finished=finished),
        "summary": _summary(observed, status, standing),
    }
    return status.model_copy(update=shown)


def _progressing(
    observed: Observed, standing: Standing, *, started: bool, finished: bool
) -> Finding:
    def finding(value: bool, reason: str, message: str) -> Finding:
        status = ConditionStatus.TRUE if value else ConditionStatus.FALSE
        return Finding(words.PROGRESSING, status, reason, message)

    if finished and standing.end is not None:
        return finding(False, standing.end.reason, "every trial has ended")
    if standing.hopeless:
        return finding(started, words.UNAFFORDABLE, "the trials that cannot be paid are withdrawn")
    if not started:
        return finding(False, "NotStarted", "no trial has been started")
    if _is_suspended(observed, standing):
        return finding(False, "Suspended", "spec.suspend is true")
    if standing.end is not None:
        return finding(True, "Ending", f"{len(standing.flights)} trials are being ended")
    trouble = _trouble(observed)
    if trouble:
        return finding(True, *trouble)
    return finding(True, "Running", "")


def _trouble(observed: Observed) -> tuple[str, str] | None:
    """What the user must mend: the newest ended trial never started."""
    ended = [one for one in observed.trials.values() if one.status.completion_time is not None]
    newest = max(ended, key=lambda one: str(one.status.completion_time), default=None)
    if newest is None or newest.status.reason not in USER_MUST_ACT:
        return None
    return str(newest.status.reason), f"trial {newest.name}: {newest.status.message}"


def _is_suspended(observed: Observed, standing: Standing) -> bool:
    spec = observed.study.spec
    return spec is not None and spec.suspend and not standing.flights


def _suspended(observed: Observed, standing: Standing) -> Finding:
    if _is_suspended(observed, standing):
        return Finding(words.SUSPENDED, ConditionStatus.TRUE, "Suspended", "spec.suspend is true")
    spec = observed.study.spec
    if spec is not None and spec.suspend:
        said = f"{len(standing.flights)} trials are being checkpointed"
        return Finding(words.SUSPENDED, ConditionStatus.FALSE, "Suspending", said)
    return Finding(words.SUSPENDED, ConditionStatus.FALSE, "NotSuspended")


def _succeeded(standing: Standing, *, finished: bool) -> Finding:
    end = standing.end
    if end is None or not finished:
        return Finding(words.SUCCEEDED, ConditionStatus.UNKNOWN, words.IN_PROGRESS)
    status = ConditionStatus.TRUE if end.succeeded else ConditionStatus.FALSE
    return Finding(words.SUCCEEDED, status, end.reason, end.message)


def _counts(observed: Observed, standing: Standing) -> TrialCounts:
    flying = {one.trial.name: one.trial.status.state for one in standing.flights}
    states = [
        flying.get(name, one.status.state) or TrialState.QUEUED
        for name, one in observed.trials.items()
    ]
    old = pruned(observed)
    states += [one.state for one in old.values()]
    return TrialCounts(
        total=len(states),
        queued=states.count(TrialState.QUEUED) + states.count(TrialState.PAUSED),
        unschedulable=states.count(TrialState.UNSCHEDULABLE),
        running=sum(states.count(state) for state in _RUNNING),
        completed=states.count(TrialState.COMPLETED),
        stopped=states.count(TrialState.STOPPED),
        failed=states.count(TrialState.FAILED),
    )


def _cost(observed: Observed, standing: Standing) -> StudyCost:
    old = observed.study.status.cost or StudyCost()
    summary = None if observed.log is None else observed.log.summary
    lost = sum(one.status.lost_cost or 0.0 for one in observed.trials.values())
    lost += sum(one.lost_usd for one in pruned(observed).values())
    return StudyCost(
        spent=_shown(standing.ledger.spent_usd, standing),
        workers=_shown(workers_usd(observed, seconds=standing.ledger.seconds), standing),
        preempted=_usd(lost),
        saved_by_cache=old.saved_by_cache if summary is None else _usd(summary.cost.saved_by_cache),
        saved_by_stopping=old.saved_by_stopping
        if summary is None
        else _usd(summary.cost.saved_by_stopping),
    )


def _usd(value: float) -> float:
    return round(max(0.0, value), 6)


def _shown(value: float, standing: Standing) -> float:
    """Three digits while trials run: not every pass is worth a write."""
    return float(f"{_usd(value):.3g}") if standing.flights else _usd(value)


def _found(observed: Observed) -> dict[str, object]:
    """Front, best and volume; as they were while the log has not been read."""
    summary = None if observed.log is None else observed.log.summary
    if summary is None:
        return {}
    front = tuple(_point(one) for one in summary.front[:MAX_FRONT])
    return {
        "best": None if summary.best is None else _point(summary.best),
        "pareto_front": front,
        "front_size": len(summary.front),
        "hypervolume": summary.hypervolume,
    }


def _point(point: Point) -> ParetoPoint:
    return ParetoPoint(
        trial=point.trial,
        parameters=point.parameters,
        instance_types=point.instance_types,
        objectives=point.objectives,
        predicted=point.predicted or None,
    )


def _state(status: TuningStudyStatus, standing: Standing, *, finished: bool) -> StudyState:
    if finished and standing.end is not None:
        return StudyState.SUCCEEDED if standing.end.succeeded else StudyState.FAILED
    if is_true(status.conditions, words.SUSPENDED):
        return StudyState.SUSPENDED
    return StudyState.PENDING if status.start_time is None else StudyState.RUNNING


def _summary(observed: Observed, status: TuningStudyStatus, standing: Standing) -> StudySummary:
    counts = status.trials or TrialCounts()
    ended = counts.completed + counts.stopped + counts.failed
    spec, best = observed.study.spec, status.best
    shown = ""
    if best is not None and spec is not None:
        value = best.objectives.get(spec.objectives[0].metric)
        shown = "" if value is None else f"{value:.4g}"
    paid = (status.cost or StudyCost()).spent
    spent = f"{paid:.2f}" if paid >= 1 else f"{paid:.4f}"
    most = None if standing.terms is None else standing.terms.budget.max_cost_usd
    return StudySummary(
        trials=f"{ended} ({counts.stopped} stopped)" if counts.stopped else str(ended),
        best=shown,
        spent=spent if most is None else f"{spent}/{most:g}",
        left=next(iter(_left(standing, ended=ended, spent=paid)), ""),
    )


def _left(standing: Standing, *, ended: int, spent: float) -> Iterator[str]:
    """What is left before the limit that is nearest by its share."""
    if standing.terms is None:
        return
    budget, ledger = standing.terms.budget, standing.ledger
    shares: list[tuple[float, str]] = []
    if budget.max_trials is not None:
        left = max(0, budget.max_trials - ended)
        shares.append((left / budget.max_trials, f"{left} trials"))
    if budget.max_cost_usd is not None:
        money = max(0.0, budget.max_cost_usd - spent)
        shares.append((money / budget.max_cost_usd, f"${money:.2f}"))
    if budget.max_seconds is not None:
        # Whole minutes: the text must not change with every pass.
        time = max(0.0, budget.max_seconds - ledger.seconds) // 60 * 60
        shares.append((time / budget.max_seconds, format_duration(max(60.0, time))))
    if shares:
        yield min(shares)[1]
