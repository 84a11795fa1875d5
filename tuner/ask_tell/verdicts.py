"""The verdict on what the caller told: the same table as for attempts that a backend runs."""

from __future__ import annotations

from dataclasses import replace

from tuner.backends.attempts import Attempt, Order, Phase
from tuner.backends.verdicts import classify, with_logged_result
from tuner.pipeline import TrialPlan
from tuner.study.claims import Bound, Grant
from tuner.study.verdict import Verdict
from tuner.trial import TrialResult

OUT_OF_MEMORY = "OutOfMemory"
FAILED = "Failed"

_ALIKE_CHARACTERS = 100


def verdict_on(plan: TrialPlan, *, result: TrialResult, start: float, end: float) -> Verdict:
    """How a trial ended and what it cost: the seconds that were told, else those that passed.

    Args:
        plan: The trial's.
        result: What was told.
        start: When the caller got the trial, seconds since the epoch.
        end: Now.
    """
    grant = Grant(trial=plan.trial, worst_usd=None, deadline_seconds=None, bound=Bound.NONE)
    attempt = Attempt(
        order=Order(plan=plan, grant=grant),
        phase=Phase.ENDED,
        start=start,
        end=end,
    )
    verdict = classify(with_logged_result(attempt, result))
    told = sum(stage.seconds for stage in result.stages) if result.stages else attempt.seconds
    # Of a failure without a word of its own the sentence says whether two are alike.
    failure = verdict.message[:_ALIKE_CHARACTERS] if verdict.reason == FAILED else verdict.failure
    cost_usd = sum(stage.cost_usd for stage in result.stages)
    return replace(verdict, seconds=told, cost_usd=cost_usd, failure=failure)


def failure_of(cause: str | BaseException) -> tuple[str, str]:
    """The word and the sentence for what a trial failed of.

    Running out of memory is told apart, for it says something about the instance type.
    """
    message = str(cause) if isinstance(cause, str) else f"{type(cause).__name__}: {cause}"
    memory = isinstance(cause, MemoryError) or "out of memory" in message.lower()
    return (OUT_OF_MEMORY if memory else FAILED), message
