"""Following TUNER_REPORTS: what has come, when it is passed on, and what of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tuner.agent import events
from tuner.agent.progress import Report
from tuner.agent.reports import MAX_LINE_BYTES, THINNED, TOO_LONG, TRUNCATED, parse_lines, thin
from tuner.cache.beneath import open_child_file, open_folder
from tuner.errors import ArtifactError

BATCH_REPORTS = 100
BATCH_SECONDS = 1.0
SHORTEST_SECONDS = 0.1
"""Between two batches, whatever the flood."""

_CHUNK_BYTES = 1 << 18


class ReportTail:
    """Reads a stage's reports from an offset on and bundles them.

    Args:
        path: TUNER_REPORTS.
        base: The part of the path that the stage cannot replace by a link.
        offset: Where to begin, in bytes.
        fidelity_name: The key that counts fidelity; None for stages without.
        rungs: Fidelities whose crossing is passed on at once.
    """

    def __init__(
        self,
        path: Path,
        *,
        base: Path,
        offset: int,
        fidelity_name: str | None,
        rungs: tuple[float, ...] = (),
    ) -> None:
        self._path = path
        self._base = base
        self._offset = offset
        self._fidelity_name = fidelity_name
        self._rungs = rungs
        self._pending: list[Report] = []
        self._warnings: Counter[str] = Counter()
        self._since: float | None = None
        self._passed_on = 0.0

    def take(self, *, now: float) -> events.Taken | None:
        """A batch, if one is due."""
        if self._read(final=False) and self._since is None:
            self._since = now
        return self._bundle(now) if self._due(now) else None

    def rest(self, *, now: float) -> Iterator[events.Taken]:
        """All that is left once the stage has ended; a last line without its end counts.

        A flood comes in several batches, of which less and less is kept.
        """
        batches = 0
        while self._read(final=False):
            if len(self._pending) >= BATCH_REPORTS:
                batches += 1
                yield self._bundle(now, limit=max(1, BATCH_REPORTS // batches))
        self._read(final=True)
        if self._pending or self._warnings:
            yield self._bundle(now)

    def _due(self, now: float) -> bool:
        if self._since is None or now - self._passed_on < SHORTEST_SECONDS:
            return False
        if self._at_rung() or len(self._pending) >= BATCH_REPORTS:
            return True
        return now - self._since >= BATCH_SECONDS or now < self._since

    def _at_rung(self) -> bool:
        best = max((report.fidelity or 0.0 for report in self._pending), default=0.0)
        return bool(self._rungs) and best >= self._rungs[0]

    def _bundle(self, now: float, *, limit: int = BATCH_REPORTS) -> events.Taken:
        reports = tuple(self._pending)
        kept = thin(reports, limit=limit)
        if len(kept) < len(reports):
            self._warnings[THINNED] += len(reports) - len(kept)
        taken = events.Taken(
            reports=reports, kept=kept, offset=self._offset, warnings=dict(self._warnings), at=now
        )
        reached = max((report.fidelity or 0.0 for report in reports), default=0.0)
        self._rungs = tuple(rung for rung in self._rungs if rung > reached)
        self._pending, self._since, self._passed_on = [], None, now
        self._warnings.clear()
        return taken

    def _read(self, *, final: bool) -> bool:
        """Reads one chunk; whether there was anything in it."""
        data = self._chunk()
        end = len(data) if final else data.rfind(b"\n") + 1
        if not end and len(data) > MAX_LINE_BYTES:
            self._warnings[TOO_LONG] += 1
            end = len(data)
        if not end:
            return False
        parsed = parse_lines(data[:end].split(b"\n"), fidelity_name=self._fidelity_name)
        self._offset += end
        self._pending.extend(parsed.reports)
        self._warnings.update(parsed.warnings)
        return True

    def _chunk(self) -> bytes:
        # The stage owns this file: it may have put a link or a FIFO in its place.
        try:
            with open_folder(self._path.parent, beneath=self._base) as folder:
                descriptor = open_child_file(self._path.name, parent=folder)
        except (ArtifactError, PermissionError):
            return b""
        if descriptor is None:
            return b""
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if os.fstat(descriptor).st_size < self._offset:
                self._warnings[TRUNCATED] += 1
                self._offset = 0
            file.seek(self._offset)
            return file.read(_CHUNK_BYTES)
