"""A worker's share of the work on a busy log, beside its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tuner.artifacts import ArtifactStore
from tuner.errors import StoreError
from tuner.log.cleaning import Cleaner
from tuner.log.compactor import Compactor
from tuner.log.following import Crowd
from tuner.log.turns import is_due

_logger = logging.getLogger(__name__)


def in_background(work: Callable[[], None]) -> None:
    """Starts a thread; the process may end without it."""
    threading.Thread(target=work, name="study-log-tender", daemon=True).start()


class Tender:
    """Writes a segment when it is this worker's turn, and cleans up; one at a time.

    Args:
        store: Where the study is.
        prefix: Of the study.
        crowd: Who this worker is.
        start: Runs the work; by default in a thread.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        *,
        crowd: Crowd,
        start: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._crowd = crowd
        self._start = start
        self._compactor = Compactor(store, prefix, ordinal=crowd.ordinal)
        self._cleaner = Cleaner(store, prefix, compactor=self._compactor)
        self._busy = threading.Lock()
        self._looked = 0.0

    def tend(self, *, newest_segment: int) -> bool:
        """Begins to work if it is this worker's turn; whether it does.

        Args:
            newest_segment: Its end as far as it is known, milliseconds.
        """
        now = self._store.now()
        mine = is_due(
            ordinal=self._crowd.ordinal,
            workers=self._crowd.readers,
            study=self._prefix,
            now=now,
            newest=max(newest_segment / 1000, self._looked),
            pause=self._crowd.pause_seconds,
        )
        if not mine or not self._busy.acquire(blocking=False):
            return False
        self._looked = now
        self._start(self._work)
        return True

    def _work(self) -> None:
        try:
            while (cut := self._compactor.cut()) is not None:
                _logger.info("segment %s: %d records", cut.name.id, cut.singles)
                if not cut.left:
                    break
            if cut is not None:
                self._cleaner.clean()
        except StoreError as error:
            # Somebody else's turn comes.
            _logger.warning("no segment was written: %s", error)
        finally:
            self._busy.release()
