"""Records that are due at the same time are written as one object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tuner.errors import LogError
from tuner.log import Entry

Waiting = tuple[Entry, asyncio.Future[None]]
"""A record, and who waits for it."""

LINGER_SECONDS = 0.01
"""What one pass decides comes together; nobody notices so long a wait."""

MOST_ENTRIES = 256


class Gatherer:
    """Writes what it is given, together with what others give it meanwhile.

    Args:
        write: Writes some records, in a thread. May raise.
    """

    def __init__(self, write: Callable[[Sequence[Entry]], object]) -> None:
        self._write = write
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def put(self, entry: Entry) -> None:
        """Returns once the record is in the store; raises what its writing raised."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._work())
        await written

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER_SECONDS)
            batch = self._waiting[:MOST_ENTRIES]
            self._waiting = self._waiting[MOST_ENTRIES:]
            error = await self._try(batch)
            if isinstance(error, LogError) and len(batch) > 1:
                # One of them can never be written: the others must not wait for it.
                for one in batch:
                    _settle([one], await self._try([one]))
            else:
                _settle(batch, error)

    async def _try(self, batch: Sequence[Waiting]) -> Exception | None:
        try:
            await asyncio.to_thread(self._write, [entry for entry, _ in batch])
        except Exception as error:
            return error
        return None


def _settle(batch: Sequence[Waiting], error: Exception | None) -> None:
    for _, written in batch:
        if written.done():
            # Whoever waited was cancelled.
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)
