"""The thread that says in the store that this attempt is alive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tuner.errors import StoreError

_logger = logging.getLogger(__name__)


class Heartbeat:
    """Beats at once and then regularly; a beat that fails is passed over, the next comes soon.

    Args:
        beat: May raise StoreError or OSError.
        seconds: Between two beats.
    """

    def __init__(self, beat: Callable[[], None], *, seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._closed = threading.Event()
        threading.Thread(target=self._work, name="heartbeat", daemon=True).start()

    def close(self) -> None:
        """Ends the thread after the beat under way."""
        self._closed.set()

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                self._beat()
            except (StoreError, OSError) as error:
                _logger.warning("no heartbeat: %s", error)
            self._closed.wait(self._seconds)
