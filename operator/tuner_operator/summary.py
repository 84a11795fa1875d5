"""The slow loop: reads the logs and asks the stores; no pod ever waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from tuner.errors import StoreError, TunerError
from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.study import TuningStudySpec
from tuner_operator.manifests.parts import dump
from tuner_operator.memory import StudyKey
from tuner_operator.observed import StudyView
from tuner_operator.rounds import Rounds

FINISHED_SECONDS = 300.0
"""A study that has ended is read this often."""
AT_ONCE = 4

_logger = logging.getLogger(__name__)


class SummaryLoop:
    """Keeps `Facts.stores` and `Facts.logs`.

    Args:
        rounds: Where it looks.
        seconds: How often a running study is read.
        clock: Seconds since the epoch.
    """

    def __init__(self, rounds: Rounds, *, seconds: float, clock: Callable[[], float]) -> None:
        self._bucket = rounds.bucket
        self._memory = rounds.memory
        self._views = rounds.views
        self._facts = rounds.facts
        self._changed = rounds.changed
        self._seconds = seconds
        self._clock = clock
        self._read_at: dict[StudyKey, float] = {}
        self._soon = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def hurry(self, key: StudyKey) -> None:
        """Reads this study as soon as possible, e.g. because it is new or a trial ended."""
        self._read_at.pop(key, None)
        self._soon.set()

    async def run(self) -> None:
        """Reads until it is cancelled."""
        while True:
            self._soon.clear()
            await self.once()
            try:
                await asyncio.wait_for(self._soon.wait(), timeout=self._seconds / 2)
            except TimeoutError:
                continue
            await asyncio.sleep(min(1.0, self._seconds / 10))

    async def once(self) -> None:
        """Reads every study that is due."""
        keys = [key for key in self._memory.studies() if self._is_due(key)]
        await asyncio.gather(*(self._read(key) for key in keys))
        for key in [one for one in self._read_at if self._views.study(one) is None]:
            del self._read_at[key]
            self._facts.drop_study(key)

    def _is_due(self, key: StudyKey) -> bool:
        study = self._views.study(key)
        if study is None or study.deleting:
            return False
        log = self._facts.log_of(key, uid=study.ref.uid)
        if log is None or key not in self._read_at:
            return True
        finished = study.status.completion_time is not None
        pause = FINISHED_SECONDS if finished else self._seconds
        return self._clock() - self._read_at[key] >= pause

    async def _read(self, key: StudyKey) -> None:
        async with self._slots:
            self._read_at[key] = self._clock()
            study = self._views.study(key)
            if study is None or study.spec is None:
                return
            try:
                await self._take_in(key, study, study.spec)
            except StoreError as error:
                self._facts.stores[key[0]] = self._bucket.failed(error)
                self._changed(key)
            except TunerError:
                _logger.exception("the log of %s/%s cannot be read", *key)

    async def _take_in(self, key: StudyKey, study: StudyView, spec: TuningStudySpec) -> None:
        was = self._facts.stores.get(key[0])
        store = await self._bucket.check(key[0])
        if store != was:
            self._changed(key)
        if not store.reachable:
            return
        book = await self._bucket.book(key)
        if book is None:
            return
        types = self._views.instance_types()
        await book.mark(marker_of(key, study, spec, types))
        await book.read()
        prices = {name: one.price_per_hour or 0.0 for name, one in types.items()}
        view = await book.view(spec, prices=prices)
        before = self._facts.log_of(key, uid=study.ref.uid)
        self._facts.logs[key] = (study.ref.uid, view)
        if before != view:
            self._changed(key)


def marker_of(
    key: StudyKey,
    study: StudyView,
    spec: TuningStudySpec,
    types: Mapping[str, InstanceTypeSpec],
) -> dict[str, object]:
    """What `study.json` says."""
    hardware = [spec.hardware, *(one.hardware for one in spec.pipeline.stages if one.hardware)]
    named = {name for one in hardware for name in one.instance_types or ()}
    selects = any(one.selector is not None for one in hardware)
    return {
        "v": 1,
        "uid": study.ref.uid,
        "name": key[1],
        "namespace": key[0],
        "labels": dict(study.labels),
        # For studies that learn from this one, when its types may be gone.
        "instanceTypes": {
            name: dump(one)
            for name, one in sorted(types.items())
            if name in named or (selects and one.allows(key[0]))
        },
        "deletionPolicy": str(spec.deletion_policy),
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
