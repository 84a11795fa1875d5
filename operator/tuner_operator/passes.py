"""One pass at a time for each study, soon after something changed, however much did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tuner_operator.memory import StudyKey

SOON_SECONDS = 0.02
PAUSE_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 30.0

_logger = logging.getLogger(__name__)


class StudyQueue:
    """Runs `work` for every study that was marked.

    Args:
        work: One pass; whether it succeeded in full. One that did not is repeated, ever later.
    """

    def __init__(self, work: Callable[[StudyKey], Awaitable[bool]]) -> None:
        self._work = work
        self._tasks: dict[StudyKey, asyncio.Task[None]] = {}
        self._again: set[StudyKey] = set()
        self._closed = False

    def mark(self, key: StudyKey) -> None:
        """Says that a study is to be looked at."""
        if self._closed:
            return
        if key in self._tasks:
            self._again.add(key)
            return
        self._tasks[key] = asyncio.get_running_loop().create_task(self._run(key))

    async def close(self) -> None:
        """Lets passes that are under way end, and begins no more."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=10.0)

    async def _run(self, key: StudyKey) -> None:
        failures = 0
        pause = SOON_SECONDS
        try:
            while not self._closed:
                await asyncio.sleep(pause)
                self._again.discard(key)
                failures = 0 if await self._pass(key) else failures + 1
                if not failures and key not in self._again:
                    return
                backoff = min(MAX_BACKOFF_SECONDS, PAUSE_SECONDS * 2**failures)
                pause = PAUSE_SECONDS if not failures else backoff
        finally:
            self._tasks.pop(key, None)
            if key in self._again and not self._closed:
                self._again.discard(key)
                self.mark(key)

    async def _pass(self, key: StudyKey) -> bool:
        try:
            return await self._work(key)
        except Exception:
            # A study that cannot be reconciled must not stop the others.
            _logger.exception("reconciling %s/%s failed", *key)
            return False
