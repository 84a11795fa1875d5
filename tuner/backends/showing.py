"""How a trial stands, in the words that a backend shows, and what of it is news."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from tuner.backends._protocol import BackendEvent
from tuner.backends.attempts import Attempt, Phase
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Story


class News:
    """Tells of each trial what has changed since the last time; of one that has ended, once."""

    def __init__(self) -> None:
        self._told: dict[str, BackendEvent] = {}
        self._awaited: set[str] = set()

    def expect(self, trial: str) -> None:
        """Somebody waits for the next word of this trial, though it may have ended by then."""
        self._awaited.add(trial)

    def watched(self, open_trials: Iterable[str]) -> set[str]:
        """The trials to be looked at: with those that began and ended since the last time."""
        return {*open_trials, *self._told, *self._awaited}

    def changed(
        self, events: Iterable[BackendEvent], *, open_trials: Collection[str]
    ) -> list[BackendEvent]:
        """Of how the watched trials stand, what was not told before; now it is."""
        events = list(events)
        changed = [one for one in events if not _same_but_for_time(self._told.get(one.trial), one)]
        self._awaited = set()
        self._told = {one.trial: one for one in events if one.trial in open_trials}
        return changed


def judged(attempt: Attempt, story: Story | None) -> bool:
    """Whether there is a verdict on the attempt."""
    return story is not None and any(
        number == attempt.order.plan.attempt for number, _ in story.verdicts
    )


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


def _same_but_for_time(one: BackendEvent | None, other: BackendEvent) -> bool:
    """Whether nothing but time has passed between two events of a trial."""
    return one is not None and replace(one, time=other.time) == other


def _state(story: Story | None, attempt: Attempt | None) -> tuple[TrialState, str, str]:
    if attempt is not None:
        if attempt.phase is Phase.WAITING:
            return TrialState.QUEUED, "WaitsForPlace", attempt.message
        return TrialState.RUNNING, "", attempt.message
    verdict = None if story is None else story.last_verdict
    if story is None or verdict is None:
        return TrialState.QUEUED, "", ""
    return verdict.state, verdict.reason, verdict.message
