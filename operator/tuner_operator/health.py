"""Liveness, readiness and metrics over HTTP; a standby serves them too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

_logger = logging.getLogger(__name__)
READ_SECONDS = 5.0


class Pulse:
    """Whether reconciliation works: what was written or listed has come back through the watch.

    Versions of one kind grow, so a later one stands for those before it.

    Args:
        clock: Monotonic seconds.
        late_seconds: A version that has not come back by then is a failure.
    """

    def __init__(self, *, clock: Callable[[], float], late_seconds: float) -> None:
        self._clock = clock
        self._late = late_seconds
        self._newest = 0
        self._awaited: tuple[int, float] | None = None

    def sent(self, version: int) -> None:
        """This version exists; the first one that is still missing is the one waited for."""
        if self._awaited is None and version > self._newest:
            self._awaited = (version, self._clock())

    def seen(self, version: int) -> None:
        """This version came through the watch."""
        self._newest = max(self._newest, version)
        if self._awaited is not None and self._newest >= self._awaited[0]:
            self._awaited = None

    @property
    def is_alive(self) -> bool:
        """Whether nothing is overdue."""
        return self._awaited is None or self._clock() - self._awaited[1] < self._late


@dataclass(slots=True)
class Health:
    """What the probes ask.

    Attributes:
        alive: Whether the process does its work.
        ready: Whether it serves, as leader or standby.
        metrics: The text for Prometheus.
    """

    alive: Callable[[], bool]
    ready: Callable[[], bool]
    metrics: Callable[[], bytes]

    def answer(self, path: str) -> tuple[HTTPStatus, bytes]:
        """Status and body for a path."""
        if path == "/metrics":
            return HTTPStatus.OK, self.metrics()
        checks = {"/healthz": self.alive, "/livez": self.alive, "/readyz": self.ready}
        check = checks.get(path)
        if check is None:
            return HTTPStatus.NOT_FOUND, b"not found\n"
        return (
            (HTTPStatus.OK, b"ok\n")
            if check()
            else (
                HTTPStatus.SERVICE_UNAVAILABLE,
                b"not ok\n",
            )
        )


async def serve(health: Health, *, ports: tuple[int, ...]) -> list[asyncio.Server]:
    """Serves on every port; 0 stands for any that is free."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(health, reader, writer)
        except (TimeoutError, ConnectionError, asyncio.LimitOverrunError):
            _logger.debug("a probe went away")
        finally:
            writer.close()

    return [await asyncio.start_server(answer, port=port) for port in dict.fromkeys(ports)]


async def _answer(
    health: Health, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=READ_SECONDS)
    words = head.split(b"\r\n", 1)[0].decode(errors="replace").split(" ")
    path = words[1].split("?")[0] if len(words) > 1 else ""
    status, body = health.answer(path)
    writer.write(
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    )
    writer.write(body)
    await writer.drain()
