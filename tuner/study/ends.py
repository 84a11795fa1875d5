"""When a study ends, and why: one pure rule book for the operator and for `tuner run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tuner.spec import conditions
from tuner.study.claims import Ledger
from tuner.study.terms import Terms

ALIKE: Final = 3
"""So many first trials that fail in the same way end a study early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the trials of a study came to so far; all recounted from what is observed.

    Attributes:
        proposed: Trials that exist or existed, whatever became of them.
        queued: Never admitted and not ended.
        open: Admitted and not ended.
        paused: Of the open ones, those that wait at a rung to be promoted.
        completed: Ended at full fidelity.
        stopped: Ended at a rung or by command.
        failed: Ended by a fault of theirs (out of memory included).
        cancelled: Withdrawn; they count for nothing.
        first_failures: What the first ended trials said, e.g. `ExitCode 1`, until the first of
            them did not fail; at most `ALIKE` of them.
        goals_met: Whether one feasible, completed trial meets every goal.
        workers: How many workers propose.
        exhausted: How many of them have nothing left to propose.
        idle: How many of them have nothing left to propose or to promote.
    """

    proposed: int = 0
    queued: int = 0
    open: int = 0
    paused: int = 0
    completed: int = 0
    stopped: int = 0
    failed: int = 0
    cancelled: int = 0
    first_failures: Sequence[str] = ()
    goals_met: bool = False
    workers: int = 1
    exhausted: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A study is to end.

    Attributes:
        reason: One of the end reasons of `tuner.spec.conditions`.
        message: One sentence for people.
        succeeded: Status of the condition Succeeded.
        stop: Whether running trials are to be stopped rather than waited for.
    """

    reason: str
    message: str
    succeeded: bool = True
    stop: bool = True


def end_of(terms: Terms, *, tally: Tally, ledger: Ledger, unaffordable: bool = False) -> End | None:
    """The end that is due, or None.

    Raising the budget makes the same question come out as None again. With the terms unchanged an
    end stays, even where this says None later: its cause may have gone with the last applicant.

    Args:
        terms: The study's terms as they are now.
        tally: How its trials stand.
        ledger: How its money and time stand.
        unaffordable: Nothing runs and no applicant can ever be paid (`Refusal.final`).
    """
    end = (
        _failures(terms, tally=tally)
        or _goals(terms, tally=tally)
        or _used_up(terms, ledger=ledger)
        or _drained(terms, tally=tally, ledger=ledger, unaffordable=unaffordable)
    )
    if end is None or tally.completed or not end.succeeded:
        return end
    if end.stop and tally.open and not unaffordable:
        # A running trial may still complete while it is being stopped; ask again when it has ended.
        return end
    return _without_result(end)


def _failures(terms: Terms, *, tally: Tally) -> End | None:
    alike = tally.first_failures[:ALIKE]
    if len(alike) == ALIKE and len(set(alike)) == 1:
        message = f"the first {ALIKE} trials failed alike: {alike[0]}"
        return End(reason=conditions.TOO_MANY_FAILURES, message=message, succeeded=False)
    limit = terms.max_failed_trials
    if limit is not None and tally.failed >= limit:
        message = f"{tally.failed} trials failed; maxFailedTrials is {limit}"
        return End(reason=conditions.TOO_MANY_FAILURES, message=message, succeeded=False)
    return None


def _goals(terms: Terms, *, tally: Tally) -> End | None:
    if not tally.goals_met or all(one.goal is None for one in terms.objectives):
        return None
    return End(reason=conditions.GOALS_REACHED, message="a trial meets every goal")


def _used_up(terms: Terms, *, ledger: Ledger) -> End | None:
    budget = terms.budget
    if budget.deadline is not None and ledger.now >= budget.deadline:
        return End(reason=conditions.DEADLINE_REACHED, message="budget.deadline has passed")
    if budget.max_cost_usd is not None and ledger.spent_usd >= budget.max_cost_usd > 0:
        message = f"${ledger.spent_usd:.4g} of ${budget.max_cost_usd:.4g} are spent"
        return End(reason=conditions.BUDGET_EXHAUSTED, message=message)
    if budget.max_seconds is not None and ledger.seconds >= budget.max_seconds:
        return End(reason=conditions.BUDGET_EXHAUSTED, message="budget.maxDuration is used up")
    return None


def _drained(terms: Terms, *, tally: Tally, ledger: Ledger, unaffordable: bool) -> End | None:
    if unaffordable:
        message = "what is left of budget.maxCost pays no further trial"
        return End(reason=conditions.BUDGET_EXHAUSTED, message=message)
    if tally.open > tally.paused:
        return None
    if tally.paused and tally.idle < tally.workers:
        # Whether one of those that wait is to be promoted, the workers must say.
        return None
    maximum = terms.budget.max_trials
    if maximum is not None and ledger.started >= maximum:
        message = f"{ledger.started} trials have ended"
        return End(reason=conditions.MAX_TRIALS_REACHED, message=message, stop=False)
    if not tally.queued and tally.workers and tally.exhausted >= tally.workers:
        message = "every configuration has been tried"
        return End(reason=conditions.SPACE_EXHAUSTED, message=message, stop=False)
    return None


def _without_result(end: End) -> End:
    return End(
        reason=conditions.NO_TRIAL_COMPLETED,
        message=f"{end.message}; no trial completed",
        succeeded=False,
        stop=end.stop,
    )
