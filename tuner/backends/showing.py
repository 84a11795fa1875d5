"""How a trial stands, in the words that a backend shows: pure."""

from __future__ import annotations

from dataclasses import replace

from tuner.backends._protocol import BackendEvent
from tuner.backends.attempts import Attempt, Phase
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Story


def judged(attempt: Attempt, story: Story | None) -> bool:
    """Whether there is a verdict on the attempt."""
    return story is not None and any(
        number == attempt.order.plan.attempt for number, _ in story.verdicts
    )


def same_but_for_time(one: BackendEvent | None, other: BackendEvent) -> bool:
    """Whether nothing but time has passed between two events of a trial."""
    return one is not None and replace(one, time=other.time) == other


def event_of(
    trial: str, *, story: Story | None, attempt: Attempt | None, time: float
) -> BackendEvent:
    """The trial's state: its attempt's while there is one without a verdict, else the log's."""
    if attempt is not None and judged(attempt, story):
        attempt = None
    state, reason, message = _state(story, attempt)
    earlier = 0.0 if story is None else story.cost_usd
    number = 0 if story is None else story.attempts
    return BackendEvent(
        trial=trial,
        state=state,
        reason=reason,
        message=message,
        attempt=number if attempt is None else attempt.order.plan.attempt,
        cost_usd=earlier + (0.0 if attempt is None else attempt.cost_usd),
        time=time,
    )


def _state(story: Story | None, attempt: Attempt | None) -> tuple[TrialState, str, str]:
    if attempt is not None:
        if attempt.phase is Phase.WAITING:
            return TrialState.QUEUED, "WaitsForPlace", attempt.message
        return TrialState.RUNNING, "", attempt.message
    verdict = None if story is None else story.last_verdict
    if story is None or verdict is None:
        return TrialState.QUEUED, "", ""
    return verdict.state, verdict.reason, verdict.message
