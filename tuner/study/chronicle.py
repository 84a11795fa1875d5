"""What the log's records come to, trial by trial: the common ground of history and summary."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from tuner.errors import LogError
from tuner.log.records import Record
from tuner.study.story import Story

__all__ = ["Chronicle", "Follower", "Story"]

_logger = logging.getLogger(__name__)


class Follower:
    """Hands out the trials of which something was told since it was last asked.

    Args:
        stories: The first news.
    """

    def __init__(self, stories: Iterable[Story]) -> None:
        self._news = {story.name: story for story in stories}

    def note(self, story: Story) -> None:
        """Something was told of this trial."""
        self._news[story.name] = story

    def news(self) -> Collection[Story]:
        """The trials told of since the last call, each once."""
        news, self._news = self._news, {}
        return news.values()


class Chronicle:
    """All trials of a study by name, folded from the records of its log."""

    def __init__(self) -> None:
        self._stories: dict[str, Story] = {}
        self._ordered: tuple[Story, ...] | None = None
        self._followers: list[Follower] = []

    def add(self, records: Iterable[Record]) -> None:
        """Takes records in; those seen before and kinds of later versions change nothing.

        A record that cannot be read is passed over with a warning: one bad object must not keep
        every worker from the rest of the log.
        """
        for record in records:
            story = self._stories.get(record.trial)
            if story is None:
                story = self._stories[record.trial] = Story(name=record.trial)
            try:
                story.take(record)
            except LogError as error:
                _logger.warning("%s", error)
            for follower in self._followers:
                follower.note(story)
        self._ordered = None

    def follow(self) -> Follower:
        """Somebody who reads on: what is known now is its first news."""
        follower = Follower(self._stories.values())
        self._followers.append(follower)
        return follower

    def forget(self, trials: Iterable[str]) -> None:
        """Lets go of trials, for whoever alone reads this chronicle and has seen enough of them."""
        for name in trials:
            self._stories.pop(name, None)
        self._ordered = None

    @property
    def stories(self) -> tuple[Story, ...]:
        """Every trial that was proposed, in the log's order."""
        if self._ordered is None:
            proposed = (one for one in self._stories.values() if one.trial is not None)
            self._ordered = tuple(sorted(proposed, key=lambda one: (one.created, one.name)))
        return self._ordered

    def story(self, trial: str) -> Story | None:
        """One trial, or None if the log does not know it."""
        return self._stories.get(trial)
