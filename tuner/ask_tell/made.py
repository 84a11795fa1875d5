"""Which stage outputs there are, as far as trials told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tuner.ask_tell.told import FirstRun
from tuner.pipeline import StageKey
from tuner.study.chronicle import Chronicle, Story
from tuner.trial import StageOutcome, Trial

Keys = Callable[[Trial], Mapping[str, StageKey]]


class Made:
    """First runs by stage key: the same keys that the stage cache goes by.

    Args:
        keys: The keys of a trial's stages, by stage name.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._runs: dict[str, FirstRun] = {}
        self._seen: dict[str, int] = {}

    def first_run(self, trial: Trial, stage: str, *, chronicle: Chronicle) -> FirstRun | None:
        """What the stage took, with this trial's parameters, where a trial ran it; else None."""
        for story in chronicle.stories:
            self._take(story)
        return self._runs.get(self._keys(trial)[stage].digest)

    def _take(self, story: Story) -> None:
        if story.trial is None or self._seen.get(story.name) == len(story.stages):
            return
        keys = self._keys(story.trial)
        for result in story.first_looks:
            if result.outcome is StageOutcome.RUN and result.stage in keys:
                run = FirstRun(result.first_run_seconds, result.instance_type)
                self._runs.setdefault(keys[result.stage].digest, run)
        self._seen[story.name] = len(story.stages)
