"""What a worker keeps of its study: all of a short one, of a long one what tells most.

Proposals must not get dearer, nor workers larger, with every trial that ever ran. Up to `2 * KEPT`
ended trials everything is kept and told. Of more a searcher is told `KEPT`: the first ones, the
best ones and an even sample of the others; and of thousands of open ones its own and the newest.
Of ended trials of which nothing more is expected the worker itself keeps no more than that either:
in their place stay sums and a digest of each configuration.

Trials go in the order in which they ended, and all is decided by what the log says, so that workers
that have read the same log remember the same, whatever each of them read when.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from itertools import islice

from tuner.searchers import History, Suggestion
from tuner.spec import Objective
from tuner.study.chronicle import Chronicle, Story
from tuner.study.history import Past, counts, history_from
from tuner.worker.telling import Mark, mark_of, telling

KEPT = 4096
"""So many ended trials are told, and stay when half of twice as many go."""

OPEN = 512
"""So many of the open trials are told, the newest ones; and the worker's own."""

BASIS = 512
"""So many trials set scales and lengthscales, until the study has grown by a quarter."""

GROWTH = 1.25

SETTLED_SECONDS = 150.0
"""Of a trial that ended so long before the newest record nothing more is expected."""

LEAVING = 512
"""So many trials are let go at a time: what is read between two proposals must take no time."""

LATE_SECONDS = 600.0
"""Records of others may come to be read so much later than the worker's own, in a crowd."""


class Memory:
    """The trials that a worker keeps in mind, in step with what is read of the log.

    Args:
        chronicle: What was read.
        worker: Whose memory it is, by ordinal.
        objectives: By which trials are good; without any an even sample is kept.
        kept: How many ended trials are told. None to tell and keep all, for a chronicle that is
            not this worker's alone: what goes is dropped from there too.
    """

    def __init__(
        self,
        chronicle: Chronicle,
        *,
        worker: int = 0,
        objectives: Sequence[Objective] = (),
        kept: int | None = None,
    ) -> None:
        self._chronicle = chronicle
        self._follower = chronicle.follow()
        self._worker = worker
        self._objectives = objectives
        self._kept = kept
        self._stories: dict[str, Story] = {}
        self._marks: dict[str, Mark] = {}
        self._past = Past()
        self._gone = 0
        self._newest = self._newest_of_others = 0.0
        self._leaving: list[tuple[float, str]] = []
        self._settled: dict[str, Story] = {}
        self._going: dict[str, Story] = {}
        self._digests: list[int] = []
        self._basis: frozenset[str] = frozenset()
        self._basis_at = 0
        self._highest: dict[int, int] = {}

    def update(self) -> None:
        """Takes in what was read since the last call, and lets go of what is too much."""
        for story in self._follower.news():
            if story.trial is not None:
                self._take(story)
        if self._kept is not None:
            self._let_go(LEAVING)
            self._settle(self._kept)

    @property
    def stories(self) -> Collection[Story]:
        """The trials that are kept, all open ones among them."""
        return self._stories.values()

    @property
    def counted(self) -> int:
        """How many trials of the study count towards a bound of trials."""
        return self._past.counted + sum(map(counts, self.stories))

    @property
    def proposed(self) -> int:
        """How many trials of the study were ever proposed: workers count theirs from 0."""
        return sum(highest + 1 for highest in self._highest.values())

    def highest(self, worker: int) -> int:
        """The highest number of a worker's proposals; -1 before the first."""
        return self._highest.get(worker, -1)

    @property
    def ended(self) -> int:
        """How many trials of the study have ended."""
        return self._gone + sum(not story.is_open for story in self.stories)

    def holds(self, suggestion: Suggestion) -> bool:
        """Whether one of the trials that are kept is this very configuration."""
        wanted = (dict(suggestion.parameters), dict(suggestion.instance_types))
        trials = (story.trial for story in self.stories)
        return any(
            (dict(one.parameters), dict(one.instance_types)) == wanted
            for one in trials
            if one is not None
        )

    def history(self) -> History:
        """What a searcher is told."""
        self._let_go(len(self._going))
        if self._digests:
            self._past = self._past.forgetting(self._digests)
            self._digests = []
        told, rest = self._told()
        past = self._past
        if rest:
            digests = (self._marks[story.name].digest for story in rest)
            past = past.joined_by(rest, forgotten=past.forgotten.passing_over(digests))
        told.sort(key=lambda one: (one.created, one.name))
        return history_from(told, past=past, basis=self._basis)

    def _take(self, story: Story) -> None:
        if story.trial is None:
            return
        self._stories[story.name] = story
        worker, number = story.trial.worker, story.trial.number
        self._highest[worker] = max(number, self.highest(worker))
        if self._kept is None:
            return
        self._newest = max(self._newest, story.created, story.ended)
        if worker != self._worker:
            self._newest_of_others = max(self._newest_of_others, story.created, story.ended)
        self._marks[story.name] = mark_of(
            story, objectives=self._objectives, before=self._marks.get(story.name)
        )
        verdict = story.last_verdict
        if verdict is not None and verdict.state.is_final:
            heapq.heappush(self._leaving, (story.ended, story.name))

    def _told(self) -> tuple[list[Story], list[Story]]:
        """The trials that are told one by one, and the others."""
        if self._kept is None:
            return list(self.stories), []
        ended = [story for story in self.stories if not story.is_open]
        running = [story for story in self.stories if story.is_open]
        told, rest = self._told_of_running(running)
        if len(ended) <= 2 * self._kept:
            return [*told, *ended], rest
        ended.sort(key=lambda one: (one.ended, one.name))
        stay = telling(self._marked(ended), count=self._kept, always=self._basis)
        for story, one in zip(ended, stay.tolist(), strict=True):
            (told if one else rest).append(story)
        return told, rest

    def _told_of_running(self, running: list[Story]) -> tuple[list[Story], list[Story]]:
        if len(running) <= OPEN:
            return running, []
        running.sort(key=lambda one: (one.created, one.name), reverse=True)
        told, rest = running[:OPEN], running[OPEN:]
        mine = [one for one in rest if one.trial is not None and one.trial.worker == self._worker]
        names = {one.name for one in mine}
        return [*told, *mine], [one for one in rest if one.name not in names]

    def _settle(self, kept: int) -> None:
        newest = max(self._newest_of_others, self._newest - LATE_SECONDS)
        horizon = newest - SETTLED_SECONDS
        while self._leaving and self._leaving[0][0] < horizon:
            seconds, name = heapq.heappop(self._leaving)
            story = self._stories.get(name)
            # A later record has put it back in the row.
            if story is None or story.ended != seconds or name in self._going:
                continue
            self._settled[name] = story
            if len(self._settled) >= 2 * kept:
                self._forget(kept)

    def _forget(self, kept: int) -> None:
        stories = list(self._settled.values())
        stay = telling(self._marked(stories), count=kept, always=self._basis)
        self._let_go(len(self._going))
        for story, one in zip(stories, stay.tolist(), strict=True):
            if not one:
                self._going[story.name] = self._settled.pop(story.name)
        self._renew_basis()

    def _let_go(self, most: int) -> None:
        """Keeps of some trials that are to go what they come to, and drops the rest."""
        gone = list(islice(self._going.values(), most))
        if not gone:
            return
        self._past = self._past.joined_by(gone, forgotten=self._past.forgotten)
        self._gone += len(gone)
        for story in gone:
            self._digests.append(self._marks.pop(story.name).digest)
            del self._stories[story.name], self._going[story.name]
        self._chronicle.forget(story.name for story in gone)

    def _renew_basis(self) -> None:
        total = self._gone + len(self._going) + len(self._settled)
        if total < GROWTH * self._basis_at:
            return
        stay = telling(self._marked(list(self._settled.values())), count=BASIS)
        names = zip(self._settled, stay.tolist(), strict=True)
        self._basis = frozenset(name for name, one in names if one)
        self._basis_at = total

    def _marked(self, stories: Sequence[Story]) -> list[Mark]:
        return [self._marks[story.name] for story in stories]
