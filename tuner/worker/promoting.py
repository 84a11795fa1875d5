"""A worker's part in Hyperband: the bracket of a proposal, and promotions from rungs.

Nobody coordinates: any worker with a free place may promote any trial that waits at a rung and is
among its best. A promotion is a record of the log, one for each trial and rung however many workers
write it; the first one says who keeps a place for the trial.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice, takewhile
from operator import attrgetter

from tuner.backends import TrialBackend
from tuner.backends.view import LogView
from tuner.log import Kind
from tuner.log.keys import rung_name
from tuner.log.rungs import MAX_SAW
from tuner.schedulers import (
    RungRecord,
    Standing,
    TrialScheduler,
    bracket_of,
    brackets_of,
    make_scheduler,
)
from tuner.spec import SchedulerVariant, TuningStudySpec
from tuner.study.bodies import Promotion, promoted_body
from tuner.study.chronicle import Story

_TOLERANCE = 1e-9

Rung = tuple[int, float]
"""Bracket and fidelity."""


def holder_of(story: Story) -> int | None:
    """The worker that keeps a place for a trial: who promoted it last, else who proposed it."""
    if story.promotions:
        return story.promotions[story.promoted].worker
    return None if story.trial is None else story.trial.worker


class Promoter:
    """Chooses brackets and promotes paused trials, for one worker.

    Args:
        spec: The study's spec.
        worker: Whose it is, by ordinal.
        view: The study log.
        backend: Where trials run.
    """

    def __init__(
        self, spec: TuningStudySpec, *, worker: int, view: LogView, backend: TrialBackend
    ) -> None:
        self._spec = spec
        self._worker = worker
        self._view = view
        self._backend = backend
        self._levels = brackets_of(spec)
        self._schedulers: Mapping[int, TrialScheduler] = {
            bracket: make_scheduler(spec, bracket=bracket) for bracket in range(len(self._levels))
        }
        self._told: set[tuple[str, float]] = set()

    @property
    def promotes(self) -> bool:
        """Whether trials of this study wait at rungs to be promoted."""
        asked = self._spec.early_stopping
        return any(self._levels) and asked.variant is SchedulerVariant.PROMOTION

    def bracket(self, number: int, *, rungs_from: float = 0.0) -> int:
        """The bracket in which the worker's n-th proposal begins.

        Args:
            number: n.
            rungs_from: Brackets with a rung below this fidelity are passed over.
        """
        drawn = bracket_of(self._spec, worker=self._worker, number=number)
        while self._levels[drawn] and self._levels[drawn][0] < rungs_from * (1 - _TOLERANCE):
            drawn += 1
        return drawn

    def promote(self, stories: Collection[Story], *, places: int) -> int:
        """Promotes as many of the trials that wait as there are places; how many it were.

        The highest rung first: what is nearest to full fidelity. Raises StoreError, BackendError;
        calling again is harmless.
        """
        self._tell_again(stories)
        return self._promote(stories, places=places, good=attrgetter("promotable"))

    def finish(self, stories: Collection[Story], *, places: int, exhausted: bool = False) -> int:
        """Promotes when nothing else is left to do: what no trial of its rung dominates.

        The front of a study of few trials is more than one in eta of them at every rung. Where
        none has run to its end the best of the highest rung goes on, whatever it is. Raises
        StoreError, BackendError; calling again is harmless.

        Args:
            stories: The study's trials.
            places: How many may go on.
            exhausted: Whether the whole space was proposed and there is money or time left: then
                all that wait go on, the best first, until the budget ends the study as it ends
                one whose space has no end.
        """
        done = self._promote(stories, places=places, good=attrgetter("unbeaten"))
        if done or (any(one.completed for one in stories) and not exhausted):
            return done
        return self._promote(stories, places=places if exhausted else 1, good=lambda _: True)

    def _promote(
        self, stories: Iterable[Story], *, places: int, good: Callable[[Standing], bool]
    ) -> int:
        done = 0
        for (bracket, level), names in sorted(_waiting(stories).items(), key=_highest_first):
            if done >= places:
                break
            for promotion in self._due(bracket, level, names, good=good, places=places - done):
                self._write(promotion)
                done += 1
        return done

    def _due(
        self,
        bracket: int,
        level: float,
        waiting: Collection[str],
        *,
        good: Callable[[Standing], bool],
        places: int,
    ) -> list[Promotion]:
        scheduler = self._schedulers.get(bracket)
        if scheduler is None or level not in self._levels[bracket]:
            return []
        entries = self._view.log.list_rung(bracket, level)
        rung = [RungRecord(trial=one.trial, vector=one.vector) for one in entries]
        standings = takewhile(good, scheduler.standings(rung, waiting=waiting))
        best = list(islice(standings, places))
        saw = tuple(rung_name(one) for one in entries[:MAX_SAW]) if best else ()
        return [
            Promotion(
                trial=one.trial,
                bracket=bracket,
                level=level,
                place=self._levels[bracket].index(level),
                worker=self._worker,
                rank=one.rank,
                of=one.of,
                saw=saw,
            )
            for one in best
        ]

    def _write(self, promotion: Promotion) -> None:
        """The record first: who dies here tells the backend when it is back."""
        self._view.append(
            Kind.PROMOTED,
            trial=promotion.trial,
            attempt=0,
            part=str(promotion.place),
            body=promoted_body(promotion),
        )
        self._view.refresh()
        self._tell(promotion.trial, promotion.level)

    def _tell_again(self, stories: Iterable[Story]) -> None:
        """Promotions that were written down, while nothing came of them yet."""
        for story in stories:
            level = story.paused_at
            if level is None or story.waits_at is not None or story.trial is None:
                continue
            if self._worker in (holder_of(story), story.trial.worker):
                self._tell(story.name, level)

    def _tell(self, trial: str, level: float) -> None:
        if (trial, level) not in self._told:
            self._backend.resume(trial, level=level)
            self._told.add((trial, level))


def _waiting(stories: Iterable[Story]) -> dict[Rung, list[str]]:
    """Names of the trials that wait, by rung."""
    waiting: dict[Rung, list[str]] = {}
    for rung, name in _places(stories):
        waiting.setdefault(rung, []).append(name)
    return waiting


def _places(stories: Iterable[Story]) -> Iterator[tuple[Rung, str]]:
    for story in stories:
        level = story.waits_at
        if level is not None and story.trial is not None:
            yield (story.trial.bracket, level), story.name


def _highest_first(item: tuple[Rung, list[str]]) -> tuple[float, int]:
    (bracket, level), _ = item
    return -level, bracket
