"""Which of the open trials take up places of one worker, and which names are its own."""

from __future__ import annotations

from collections.abc import Collection

from tuner.study.chronicle import Chronicle, Story
from tuner.trial import trial_name
from tuner.worker.demand import Demand, WorkerSettings
from tuner.worker.memory import Memory
from tuner.worker.promoting import holder_of


class Places:
    """Counts the places of one worker.

    Args:
        settings: Whose.
        chronicle: Of the study.
        memory: What it keeps of that.
        adopts: Whether trials of other workers may go on in its places.
    """

    def __init__(
        self, settings: WorkerSettings, *, chronicle: Chronicle, memory: Memory, adopts: bool
    ) -> None:
        self._settings = settings
        self._chronicle = chronicle
        self._memory = memory
        self._adopts = adopts

    def free(self, demand: Demand, *, open_names: Collection[str]) -> int:
        """Places that no trial holds, those ahead included; one that waits at a rung holds none."""
        room = demand.slots + (demand.ahead if demand.slots else 0)
        return room - sum(self._holds(name) for name in open_names) - self._adopted()

    def next_number(self, open_names: Collection[str]) -> int:
        """The number of its next proposal: neither the log nor the backend knows it."""
        known = self._memory.highest(self._settings.ordinal)
        numbers = (number for name in open_names if (number := self._number(name)) is not None)
        return 1 + max([known, *numbers])

    def is_own(self, story: Story) -> bool:
        """Whether this worker proposed the trial."""
        return story.trial is not None and story.trial.worker == self._settings.ordinal

    def _holds(self, name: str) -> bool:
        """Whether an own open trial takes a place here, rather than none or another worker's."""
        if self._number(name) is None:
            return False
        story = self._chronicle.story(name)
        if story is None or story.trial is None:
            return True
        return story.waits_at is None and holder_of(story) == self._settings.ordinal

    def _adopted(self) -> int:
        """How many trials of other workers go on in places of this one."""
        if not self._adopts:
            return 0
        return sum(
            one.is_open and one.waits_at is None and holder_of(one) == self._settings.ordinal
            for one in self._memory.stories
            if one.promotions and not self.is_own(one)
        )

    def _number(self, name: str) -> int | None:
        """The number in the name of an own trial; None for another worker's."""
        start = trial_name(self._settings.study, worker=self._settings.ordinal, number=0)[:-1]
        rest = name.removeprefix(start)
        return int(rest) if name.startswith(start) and rest.isdigit() else None
