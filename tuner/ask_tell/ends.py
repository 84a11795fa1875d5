"""Whether the study has ended, as everybody who reads its log would say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.artifacts import ArtifactStore
from tuner.backends.view import LogView
from tuner.study.elapsed import elapsed_seconds, spans_of
from tuner.study.ends import End, end_of
from tuner.study.history import UNCOUNTED
from tuner.study.machine import Study, replay
from tuner.study.markers import clear_end, exhausted_workers, get_end, put_end
from tuner.study.recovery import events_of
from tuner.study.terms import Terms
from tuner.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The rule book of `tuner.study`, asked about a study that no backend runs.

    Attributes:
        view: The log, as far as it was read.
        store: Where the study's markers are.
        terms: The study's terms.
        workers: How many processes propose.
        price_per_hour: USD of a trial's dearest instance type.
        clock: Seconds since the epoch.
    """

    view: LogView
    store: ArtifactStore
    terms: Terms
    workers: int
    price_per_hour: Callable[[Trial], float]
    clock: Callable[[], float]

    def due(self) -> End | None:
        """The end that is due; None while there is none. Raises StoreError."""
        chronicle = self.view.chronicle
        events = events_of(chronicle, terms=self.terms, price_per_hour=self.price_per_hour)
        exhausted = exhausted_workers(self.store, self.view.log.prefix)
        study = Study(terms=self.terms, workers=self.workers, exhausted=exhausted)
        study = replay(study, events)
        spans = (span for story in chronicle.stories for span in spans_of(story))
        ledger = replace(study.ledger(now=self.clock()), seconds=elapsed_seconds(spans))
        return end_of(self.terms, tally=study.count(), ledger=ledger)

    def note(self) -> None:
        """Leaves word for those who read the store: ended, or open again. Raises StoreError."""
        prefix = self.view.log.prefix
        end, known = self.due(), get_end(self.store, prefix)
        if end is None:
            if known is not None:
                clear_end(self.store, prefix)
        elif end != known and not self.unfinished:
            put_end(self.store, prefix, end=end)

    def why_nothing(self) -> str:
        """Why no further trial is proposed."""
        end = self.due()
        if end is not None:
            return f"{end.reason}: {end.message}"
        if self.terms.suspended:
            return "Suspended: spec.suspend is true"
        maximum = self.terms.budget.max_trials
        counted = sum(one.state not in UNCOUNTED for one in self.view.chronicle.stories)
        if maximum is not None and counted >= maximum:
            return f"MaxTrials: all {maximum} have been asked for, {self.unfinished} are open"
        return "SpaceExhausted: every configuration has been tried"

    @property
    def unfinished(self) -> int:
        """How many trials are open."""
        return sum(story.is_open for story in self.view.chronicle.stories)
