"""Ending a stage in good time: SIGTERM becomes an exception at the next report."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_requested = threading.Event()
_installed = False


def stop_requested() -> bool:
    """Whether this process was told to stop; for code that does not want an exception."""
    install()
    return _requested.is_set()


def install() -> None:
    """Takes note of SIGTERM from now on; a handler that is already there is called as well.

    Does nothing in other threads than the main one, where Python allows no handlers.
    """
    global _installed
    if _installed or threading.current_thread() is not threading.main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)

    def take_note(number: int, frame: FrameType | None) -> Any:
        _requested.set()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGTERM, take_note)
    _installed = True
