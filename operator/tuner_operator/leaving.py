"""The fast loop: sees in the log that a trial has ended before the kubelet tells of its pod.

It looks only where a pod that was made ahead waits for a place. What it finds frees a place for
that pod, and decides nothing else: how an attempt ended is read from its pod, as always.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from tuner.errors import TunerError
from tuner.spec.study import LookAhead
from tuner_operator.memory import StudyKey
from tuner_operator.observed import StudyView, TrialView
from tuner_operator.reconcile.flight import current_segment
from tuner_operator.rounds import Rounds

LOOK_SECONDS = 0.2
REST_SECONDS = 5.0
"""After a store did not answer."""

_logger = logging.getLogger(__name__)


class LeavingLoop:
    """Keeps `LogView.leaving` of studies that look ahead.

    Args:
        rounds: Where it looks.
        clock: Seconds that only ever grow.
    """

    def __init__(self, rounds: Rounds, *, clock: Callable[[], float]) -> None:
        self._rounds = rounds
        self._clock = clock
        self._rests: dict[StudyKey, float] = {}

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.once()

    async def once(self) -> None:
        """Looks at the log of every study in which a pod waits."""
        studies = ((key, self._rounds.views.study(key)) for key in self._rounds.memory.studies())
        due = [(key, one) for key, one in studies if one is not None and self._is_due(key, one)]
        await asyncio.gather(*(self._look(key, study) for key, study in due))

    async def _look(self, key: StudyKey, study: StudyView) -> None:
        book = self._rounds.bucket.opened(key, uid=study.ref.uid)
        if book is None:
            return
        try:
            leaving = await book.leaving()
        except TunerError as error:
            _logger.info("the log of %s/%s was not read: %s", *key, error)
            self._rests[key] = self._clock() + REST_SECONDS
            return
        known = self._rounds.facts.log_of(key, uid=study.ref.uid)
        if known is not None and known.leaving != leaving:
            self._rounds.facts.logs[key] = (study.ref.uid, replace(known, leaving=leaving))
            self._rounds.changed(key)

    def _is_due(self, key: StudyKey, study: StudyView) -> bool:
        spec = study.spec
        if spec is None or spec.workers.look_ahead is not LookAhead.POD or study.deleting:
            return False
        if self._clock() < self._rests.get(key, 0.0):
            return False
        self._rests.pop(key, None)
        return any(_waits(one) for one in self._rounds.views.trials(key).values())


def _waits(trial: TrialView) -> bool:
    segment = current_segment(trial.status)
    return segment is not None and bool(segment.held) and segment.end_time is None
