"""From an attempt that has ended to its verdict, by the table of docs/design/0001: pure."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from tuner.backends.attempts import Attempt, Cause
from tuner.pipeline import AgentResult
from tuner.spec.trial import TrialState
from tuner.study.claims import Bound
from tuner.study.events import Withdraw
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, TrialResult

PREEMPTED = "Preempted"
MAX_ATTEMPTS = "MaxAttempts"


def classify(
    attempt: Attempt, *, told: str = "", lost_before: int = 0, max_attempts: int = 5
) -> Verdict:
    """The verdict on an attempt.

    Args:
        attempt: The attempt; it has ended.
        told: Why it was told to stop; empty if it was not, or by the user.
        lost_before: How many earlier attempts the infrastructure ended.
        max_attempts: How often a trial is started again after such an end.
    """
    verdict = _by_result(attempt, told=told)
    if verdict.infrastructure and lost_before >= max_attempts:
        message = f"the infrastructure ended {lost_before + 1} attempts; {verdict.message}"
        verdict = replace(
            verdict,
            state=TrialState.FAILED,
            reason=MAX_ATTEMPTS,
            message=message,
            failure=MAX_ATTEMPTS,
        )
    return _charged(verdict, attempt)


def withdrawn(command: Withdraw) -> Verdict:
    """The verdict on a trial that will never run (again)."""
    used_up = command.reason == Bound.TRIAL_LIMIT
    return Verdict(
        state=TrialState.STOPPED if used_up or command.stopped else TrialState.CANCELLED,
        reason=command.reason,
        message=command.message,
        failure=command.reason if used_up else "",
    )


def with_logged_result(attempt: Attempt, logged: TrialResult | None) -> Attempt:
    """Falls back on the log's result where the agent could not leave one behind."""
    if attempt.result is not None or logged is None:
        return attempt
    result = AgentResult(
        outcome=logged.outcome,
        reason=logged.reason,
        message=logged.message,
        fidelity=logged.fidelity,
        metrics=logged.metrics,
        stages=logged.stages,
        rung=logged.rung,
    )
    return replace(attempt, result=result)


def _by_result(attempt: Attempt, *, told: str) -> Verdict:
    result = attempt.result
    if result is None:
        return _silent(attempt)
    match result.outcome:
        case Outcome.COMPLETED:
            return _verdict(TrialState.COMPLETED, result)
        case Outcome.NEXT_SEGMENT | Outcome.PREFIX_MISSING:
            return replace(_verdict(TrialState.STARTING, result), reason=str(result.outcome))
        case Outcome.PAUSED:
            return _verdict(TrialState.PAUSED, result)
        case Outcome.STORE_LOST:
            return replace(_verdict(TrialState.STARTING, result), infrastructure=True)
        case Outcome.STOPPED:
            return _stopped(attempt, result, told=told)
        case Outcome.FAILED:
            return replace(_verdict(TrialState.FAILED, result), failure=_failure(result))


def _silent(attempt: Attempt) -> Verdict:
    if attempt.cause is Cause.DEADLINE:
        return _past_deadline(attempt, message=attempt.message)
    if attempt.cause is Cause.CANNOT_START:
        reason = str(attempt.cause)
        return Verdict(
            state=TrialState.FAILED, reason=reason, message=attempt.message, failure=reason
        )
    return Verdict(
        state=TrialState.STARTING,
        reason=PREEMPTED,
        message=attempt.message or "the attempt ended without a word",
        infrastructure=True,
    )


def _stopped(attempt: Attempt, result: AgentResult, *, told: str) -> Verdict:
    if result.reason != "Command":
        return _verdict(TrialState.STOPPED, result)
    if attempt.cause is Cause.DEADLINE:
        return _past_deadline(attempt, message=result.message)
    return replace(_verdict(TrialState.CANCELLED, result), reason=told or "Command")


def _past_deadline(attempt: Attempt, *, message: str) -> Verdict:
    grant = attempt.order.grant
    if grant.bound is Bound.TRIAL_LIMIT:
        seconds = ceil(grant.deadline_seconds or 0)
        return Verdict(
            state=TrialState.STOPPED,
            reason=str(Bound.TRIAL_LIMIT),
            message=f"used up its limit of {seconds} s; {message}".rstrip("; "),
            failure=str(Bound.TRIAL_LIMIT),
        )
    return Verdict(
        state=TrialState.CANCELLED,
        reason=str(grant.bound or Bound.BUDGET),
        message=f"its share of the budget is used up; {message}".rstrip("; "),
    )


def _failure(result: AgentResult) -> str:
    failed = [stage for stage in result.stages if stage.outcome is StageOutcome.FAILED]
    if not failed:
        return result.reason
    stage = failed[-1]
    code = "" if stage.exit_code is None else f" {stage.exit_code}"
    return f"{result.reason}{code} in {stage.stage}"


def _verdict(state: TrialState, result: AgentResult) -> Verdict:
    return Verdict(state=state, reason=result.reason, message=result.message)


def _charged(verdict: Verdict, attempt: Attempt) -> Verdict:
    return replace(
        verdict,
        cost_usd=attempt.cost_usd,
        seconds=attempt.seconds,
        price_per_hour=attempt.order.price_per_hour,
        instance_type=attempt.order.instance_type,
        segment=attempt.order.plan.segment,
        start=attempt.start,
    )
