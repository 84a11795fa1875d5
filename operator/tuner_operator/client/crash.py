"""For tests: ends the process after its k-th changing request, as a crash would."""

from __future__ import annotations

import os

EXIT_CODE = 86


class CrashAfter:
    """Counts changing requests; those for the Lease do not count, their number is not fixed."""

    def __init__(self, requests: int) -> None:
        self._left = requests

    def __call__(self, method: str, path: str) -> None:
        """Hears of a request that was answered."""
        if "/leases" in path:
            return
        self._left -= 1
        if self._left == 0:
            os._exit(EXIT_CODE)
