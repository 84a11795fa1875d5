"""Whether the study has ended, as everybody who reads its log would say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tuner.artifacts import ArtifactStore
from tuner.backends.view import LogView
from tuner.study.chronicle import Story
from tuner.study.elapsed import elapsed_seconds, spans_of
from tuner.study.ends import End, end_of
from tuner.study.events import AttemptEnded, Ended, Event, Proposed, Started
from tuner.study.history import UNCOUNTED
from tuner.study.machine import Study, replay
from tuner.study.markers import clear_end, exhausted_workers, get_end, put_end
from tuner.study.recovery import events_in
from tuner.study.terms import Terms
from tuner.trial import Trial

_STEPS: tuple[type[Event], ...] = (Proposed, Started, AttemptEnded, Ended)
"""What happens to a trial, in this order."""


class Ends:
    """The rule book of `tuner.study`, asked about a study that no backend runs.

    Args:
        view: The log, as far as it was read.
        store: Where the study's markers are.
        terms: The study's terms.
        workers: How many processes propose.
        price_per_hour: USD of a trial's dearest instance type.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        view: LogView,
        store: ArtifactStore,
        terms: Terms,
        workers: int,
        price_per_hour: Callable[[Trial], float],
        clock: Callable[[], float],
    ) -> None:
        self._view = view
        self._store = store
        self._terms = terms
        self._price_per_hour = price_per_hour
        self._clock = clock
        self._study = Study(terms=terms, workers=workers)
        self._known: dict[str, int] = {}

    def due(self) -> End | None:
        """The end that is due; None while there is none. Raises StoreError."""
        news = [event for story in self._view.chronicle.stories for event in self._news(story)]
        self._study = replay(self._study, sorted(news, key=lambda event: event.time))
        exhausted = exhausted_workers(self._store, self._view.log.prefix)
        study = replace(self._study, exhausted=exhausted)
        ledger = replace(study.ledger(now=self._clock()), seconds=self._seconds())
        return end_of(self._terms, tally=study.count(), ledger=ledger)

    def note(self) -> None:
        """Leaves word for those who read the store: ended, or open again. Raises StoreError."""
        prefix = self._view.log.prefix
        end, known = self.due(), get_end(self._store, prefix)
        if end is None:
            if known is not None:
                clear_end(self._store, prefix)
        elif end != known and not self.unfinished:
            put_end(self._store, prefix, end=end)

    def why_nothing(self) -> str:
        """Why no further trial is proposed."""
        end = self.due()
        if end is not None:
            return f"{end.reason}: {end.message}"
        if self._terms.suspended:
            return "Suspended: spec.suspend is true"
        maximum = self._terms.budget.max_trials
        counted = sum(one.state not in UNCOUNTED for one in self._view.chronicle.stories)
        if maximum is not None and counted >= maximum:
            return f"MaxTrials: all {maximum} have been asked for, {self.unfinished} are open"
        return "SpaceExhausted: every configuration has been tried"

    @property
    def unfinished(self) -> int:
        """How many trials are open."""
        return sum(story.is_open for story in self._view.chronicle.stories)

    def _news(self, story: Story) -> Iterator[Event]:
        """What happened to a trial since it was looked at last: a long log is replayed once."""
        known = self._known.get(story.name, 0)
        if known == len(_STEPS):
            return
        for event in events_in(story, terms=self._terms, price_per_hour=self._price_per_hour):
            step = 1 + _STEPS.index(type(event))
            if step > known:
                self._known[story.name] = step
                yield event

    def _seconds(self) -> float:
        """For how long something ran, where that matters."""
        if self._terms.budget.max_seconds is None:
            return 0.0
        return elapsed_seconds(
            span for story in self._view.chronicle.stories for span in spans_of(story)
        )
