"""Waking a thread that sleeps in poll(), from other threads and from signal handlers."""

from __future__ import annotations

import os
import threading


class Waker:
    """A pipe of which one end is polled and the other written."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ends: tuple[int, int] | None = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def descriptor(self) -> int:
        """Becomes readable when somebody calls `wake`; -1 once closed."""
        return -1 if self._ends is None else self._ends[0]

    def wake(self) -> None:
        """Ends the sleep; harmless when nobody sleeps or it is closed."""
        with self._lock:
            if self._ends is None:
                return
            try:
                os.write(self._ends[1], b".")
            except BlockingIOError:
                return

    def clear(self) -> None:
        """Makes the next poll sleep again."""
        try:
            while os.read(self.descriptor, 4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Closes both ends."""
        with self._lock:
            if self._ends is not None:
                for end in self._ends:
                    os.close(end)
                self._ends = None
