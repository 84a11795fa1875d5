"""The log of a study, read incrementally and folded."""

from __future__ import annotations

from tuner.log import Cursor, StudyLog
from tuner.study.chronicle import Chronicle


class LogView:
    """Keeps a chronicle in step with the log: one LIST, and a GET per new record, a refresh."""

    def __init__(self, log: StudyLog) -> None:
        self.log = log
        self.chronicle = Chronicle()
        self._cursor: Cursor | None = None

    def refresh(self) -> Chronicle:
        """Reads what is new. Raises StoreError; what was read before stays."""
        records, self._cursor = self.log.read(self._cursor)
        self.chronicle.add(records)
        return self.chronicle
