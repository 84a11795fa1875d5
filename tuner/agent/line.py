"""The line to the runner: its events, its doorbell, its control FIFO."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

from tuner.agent import events
from tuner.pipeline.layout import Layout


class RunnerLine:
    """Hears and tells the runner. Reads the events from the beginning after a restart.

    Args:
        layout: Where the FIFOs and the events are; the FIFOs must exist.
        clock: Seconds since the epoch.
    """

    def __init__(self, layout: Layout, *, clock: Callable[[], float]) -> None:
        self._layout = layout
        self._clock = clock
        self._read = 0
        self._ready = False
        self._gone = False
        self._doorbell: int | None = os.open(layout.doorbell, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def doorbell(self) -> int | None:
        """A descriptor that becomes readable with each event; None once the runner is dead."""
        return self._doorbell

    def hear(self, *, hung_up: bool = False) -> Iterator[events.Event]:
        """The events since the last call; RunnerGone after the last one of all.

        Args:
            hung_up: Whether the doorbell's poll said so.
        """
        # Nobody at the other end means death only if somebody was known to be there before.
        was_there = hung_up or self._ready
        # The doorbell first: what it announces is in the file by then.
        silent = self._drain()
        yield from self._new_events()
        if not self._gone and was_there and silent:
            self._gone = True
            self.close()
            yield events.RunnerGone(at=self._clock())

    def tell(self, line: str) -> bool:
        """Sends a command; False if the runner does not hear (yet, or any more)."""
        try:
            control = os.open(self._layout.control, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return False
            raise
        try:
            os.write(control, f"{line}\n".encode("ascii"))
        except (BrokenPipeError, BlockingIOError):
            return False
        finally:
            os.close(control)
        return True

    def close(self) -> None:
        """Stops hearing."""
        if self._doorbell is not None:
            os.close(self._doorbell)
            self._doorbell = None

    def _drain(self) -> bool:
        """Empties the doorbell; whether nobody holds its other end."""
        if self._doorbell is None:
            return False
        try:
            while os.read(self._doorbell, 4096):
                pass
        except BlockingIOError:
            return False
        return True

    def _new_events(self) -> Iterator[events.Event]:
        try:
            with self._layout.events.open("rb") as file:
                file.seek(self._read)
                data = file.read()
                written = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return
        lines = data.split(b"\n")
        self._read += len(data) - len(lines.pop())
        for index, line in enumerate(lines):
            # Heard late, after a restart: the last line's time is that of the file.
            last = index == len(lines) - 1
            event = self._event(line.decode(errors="replace").split(), last=last, written=written)
            if event is not None:
                yield event

    def _event(self, words: list[str], *, last: bool, written: float) -> events.Event | None:
        at = min(self._clock(), written)
        match words:
            case ["ready"]:
                self._ready = True
                return events.Ready()
            case ["started", stage, number] if number.isdigit():
                return events.Started(number=int(number), at=at if last else self._begun(stage, at))
            case ["exited", _, number, code] if number.isdigit() and code.isdigit():
                return events.Exited(number=int(number), code=int(code), at=at)
            case ["signalled", _]:
                return events.Signalled()
            case _:
                return None

    def _begun(self, stage: str, at: float) -> float:
        """When the agent had the stage started; its script is written just before."""
        try:
            return min(at, self._layout.stage(stage).script.stat().st_mtime)
        except FileNotFoundError:
            return at
