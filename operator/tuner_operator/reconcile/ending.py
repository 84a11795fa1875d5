"""The end of a study: what is due, and what is still to be done for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.trial import TrialState
from tuner.study.budget import Ledger
from tuner.study.ends import End, Tally, end_of
from tuner.study.terms import Terms
from tuner_operator.actions import Chain, WriteStatus, WriteVerdict
from tuner_operator.conditions import find
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.outcome import MAX_MESSAGE, withdrawn
from tuner_operator.verdicts import RUNG


def due(
    observed: Observed, *, terms: Terms, tally: Tally, ledger: Ledger, hopeless: bool = False
) -> End | None:
    """The end that is due, or None.

    One that was reached stays until the spec changes, and so does a want of money: what pays no
    further trial pays none after that trial was withdrawn either.
    """
    reached = _reached(observed)
    if reached is not None:
        return reached
    end = end_of(terms, tally=tally, ledger=ledger, unaffordable=hopeless)
    if end is None or end.reason != words.NO_TRIAL_COMPLETED:
        return end
    cause = last_failure(observed)
    return replace(end, message=f"{end.message}; {cause}"[:MAX_MESSAGE]) if cause else end


def last_failure(observed: Observed) -> str:
    """How the last trial that failed ended, in its own words."""
    failed = [one for one in observed.trials.values() if one.status.state is TrialState.FAILED]
    last = max(failed, key=lambda one: (str(one.status.completion_time), one.name), default=None)
    if last is None:
        return ""
    return f"{last.name} failed ({last.status.reason}): {last.status.message}"


def is_finished(observed: Observed) -> bool:
    """Whether the status says that the study has ended."""
    return observed.study.status.completion_time is not None


def withdraw(observed: Observed, waiting: Sequence[TrialView], *, end: End) -> list[Chain]:
    """Cancels the trials that have no attempt in flight."""
    return [cancel(observed, one, reason=end.reason, message=end.message) for one in waiting]


def leave(observed: Observed, resting: Sequence[TrialView], *, end: End) -> list[Chain]:
    """Stops the trials that wait at a rung, and were not promoted before the end."""
    chains = []
    for one in resting:
        message = f"not promoted from rung {one.status.rung:g} before the end: {end.message}"
        chains.append(_end(observed, one, state=TrialState.STOPPED, reason=RUNG, message=message))
    return chains


def cancel(observed: Observed, trial: TrialView, *, reason: str, message: str) -> Chain:
    """Cancels one trial that has no attempt in flight."""
    return _end(observed, trial, state=TrialState.CANCELLED, reason=reason, message=message)


def _end(
    observed: Observed, trial: TrialView, *, state: TrialState, reason: str, message: str
) -> Chain:
    final, verdict = withdrawn(
        trial.status,
        state=state,
        reason=reason,
        message=message,
        now=observed.now,
        generation=trial.generation,
    )
    attempt = trial.status.attempts or 0
    return Chain(
        trial.name,
        (
            WriteVerdict(trial.name, attempt=attempt, verdict=verdict),
            WriteStatus(trial.ref, final),
        ),
    )


def was_hopeless(observed: Observed, *, tally: Tally) -> bool:
    """Whether an earlier pass found no money for any trial, of which none is left to ask for it."""
    condition = find(observed.study.status.conditions, words.PROGRESSING)
    return (
        condition is not None
        and condition.reason == words.UNAFFORDABLE
        and condition.observed_generation == observed.study.generation
        and tally.open <= tally.paused
    )


def _reached(observed: Observed) -> End | None:
    condition = find(observed.study.status.conditions, words.SUCCEEDED)
    if condition is None or not is_finished(observed):
        return None
    if condition.observed_generation != observed.study.generation:
        return None
    return End(
        reason=condition.reason,
        message=condition.message,
        succeeded=condition.status is ConditionStatus.TRUE,
    )
