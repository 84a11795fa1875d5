"""What a worker keeps of its study: all of a short one, of a long one what tells most.

Proposals must not get dearer, nor workers larger, with every trial that ever ran. Up to `2 * KEPT`
ended trials all are kept. Then half of them go: what stays are the first ones, the best ones and an
even sample of the others; of what goes, sums and a digest of each configuration remain. Trials go
in the order in which they ended, once nothing more is expected of them, so that all workers that
have read the same log remember the same, whatever each of them read when.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from hashlib import blake2b
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from tuner.searchers import History
from tuner.searchers.initial import NAME as INITIAL
from tuner.searchers.proposed import configuration_digest
from tuner.spec import Objective
from tuner.study.chronicle import Chronicle, Story
from tuner.study.history import Past, counts, history_from

KEPT = 4096
"""So many ended trials stay when half of twice as many go."""

FIRST = 64
"""The study's first trials are kept: they tell what it spent before it was modelled."""

BEST_SHARE = 0.25
"""Of what stays, so much is there because it is good; more would hide how most trials fare."""

SETTLED_SECONDS = 300.0
"""Of a trial that ended so long before the newest record nothing more is expected."""


class Memory:
    """The trials that a worker keeps in mind, in step with what is read of the log.

    Args:
        chronicle: What was read.
        objectives: By which trials are good; without any an even sample is kept.
        kept: How many ended trials stay when some go; None to keep all, for a chronicle that is
            not this worker's alone: what goes is dropped from there too.
    """

    def __init__(
        self,
        chronicle: Chronicle,
        *,
        objectives: Sequence[Objective] = (),
        kept: int | None = None,
    ) -> None:
        self._chronicle = chronicle
        self._follower = chronicle.follow()
        self._objectives = objectives
        self._kept = kept
        self._stories: dict[str, Story] = {}
        self._past = Past()
        self._newest = 0.0
        self._ended: list[tuple[float, str]] = []
        self._settled: dict[str, Story] = {}
        self._highest: dict[int, int] = {}

    def update(self) -> None:
        """Takes in what was read since the last call, and lets go of what is too much."""
        for story in self._follower.news():
            if story.trial is not None:
                self._take(story)
        if self._kept is not None:
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

    def history(self) -> History:
        """What a searcher is told."""
        ordered = sorted(self.stories, key=lambda one: (one.created, one.name))
        return history_from(ordered, past=self._past)

    def _take(self, story: Story) -> None:
        if story.trial is None:
            return
        self._stories[story.name] = story
        worker, number = story.trial.worker, story.trial.number
        self._highest[worker] = max(number, self.highest(worker))
        self._newest = max(self._newest, story.created, story.ended)
        if self._kept is not None and _is_judged(story):
            heapq.heappush(self._ended, (story.ended, story.name))

    def _settle(self, kept: int) -> None:
        horizon = self._newest - SETTLED_SECONDS
        while self._ended and self._ended[0][0] < horizon:
            seconds, name = heapq.heappop(self._ended)
            story = self._stories.get(name)
            # A later record has put it back in the row.
            if story is None or story.ended != seconds:
                continue
            self._settled[name] = story
            if len(self._settled) >= 2 * kept:
                self._forget(kept)

    def _forget(self, kept: int) -> None:
        stories = list(self._settled.values())
        stay = telling(stories, objectives=self._objectives, count=kept)
        gone = [story for story, one in zip(stories, stay.tolist(), strict=True) if not one]
        self._past = self._past.joined_by(gone, digests=map(_digest, gone))
        for story in gone:
            del self._stories[story.name]
            del self._settled[story.name]
        self._chronicle.forget(story.name for story in gone)


def telling(
    stories: Sequence[Story], *, objectives: Sequence[Objective], count: int
) -> NDArray[np.bool_]:
    """Which ended trials tell most: the first, the study's initial ones, the best, and a sample.

    The best are found front by front; the sample takes the trials whose names' digests are least,
    so that what was sampled once is sampled again.

    Args:
        stories: n trials in the order of their ends.
        objectives: By which they are good.
        count: How many to keep.

    Returns:
        Shape (n,).
    """
    stay = np.array([_is_initial(story) for story in stories], dtype=np.bool_)
    stay[:FIRST] = True
    stay[_best(_values(stories, objectives), count=round(BEST_SHARE * count))] = True
    order = np.argsort([_chance(story.name) for story in stories], kind="stable")
    others = order[~stay[order]]
    stay[others[: max(0, count - int(stay.sum()))]] = True
    return stay


def _values(stories: Sequence[Story], objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """To minimise, NaN where a trial did not complete, shape (n, M)."""
    rows = []
    for story in stories:
        metrics = {} if story.completed is None else story.completed.metrics
        values = (metrics.get(one.metric, nan) * (1 if one.minimize else -1) for one in objectives)
        rows.append([value if isfinite(value) else nan for value in values])
    return np.array(rows, dtype=np.float64).reshape(len(stories), len(objectives))


def _best(values: NDArray[np.float64], *, count: int) -> NDArray[np.intp]:
    """Indices of at most so many rows of values to minimise: the best fronts, the last in part."""
    # Needed in long studies only, and it loads what a worker without models does without.
    from tuner.acquisition.fronts import best_rows

    chosen: list[int] = []
    if not values.shape[1]:
        return np.array(chosen, dtype=np.intp)
    left = np.flatnonzero(np.all(np.isfinite(values), axis=1))
    while len(left) and len(chosen) < count:
        front = best_rows(values[left])
        chosen.extend(left[front].tolist())
        left = np.delete(left, front)
    return np.array(chosen[:count], dtype=np.intp)


def _is_judged(story: Story) -> bool:
    """Whether it ended with a final verdict: of its attempts nothing more will be written."""
    verdict = story.last_verdict
    return verdict is not None and verdict.state.is_final


def _is_initial(story: Story) -> bool:
    return story.trial is not None and story.trial.why.get("searcher") == INITIAL


def _digest(story: Story) -> int:
    if story.trial is None:
        return 0
    return configuration_digest(story.trial.parameters, story.trial.instance_types)


def _chance(name: str) -> float:
    """Even in [0, 1), by the name alone."""
    return int.from_bytes(blake2b(name.encode(), digest_size=6).digest(), "big") / 2.0**48
