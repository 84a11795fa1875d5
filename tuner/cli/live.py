"""How a local run shows itself: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import typer

from tuner.backends import BackendEvent
from tuner.cli.output import money
from tuner.study.summary import Summary

if TYPE_CHECKING:
    from rich.table import Table

MAX_ROWS = 12


class Display(Protocol):
    """Shows a run while it goes on; writes to standard error only."""

    def say(self, text: str) -> None:
        """Prints a line that stays."""

    def show(self, events: Sequence[BackendEvent], *, summary: Summary) -> None:
        """Takes in what changed."""

    def close(self) -> None:
        """Ends the display."""


def open_display() -> Display:
    """The display that fits where standard error goes."""
    return LiveDisplay() if sys.stderr.isatty() else LineDisplay()


class LineDisplay:
    """One line for each change of a trial."""

    def __init__(self) -> None:
        self._shown: dict[str, BackendEvent] = {}

    def say(self, text: str) -> None:
        """Prints a line."""
        typer.echo(text, err=True)

    def show(self, events: Sequence[BackendEvent], *, summary: Summary) -> None:
        """Prints what changed, but not what only got dearer."""
        for event in events:
            known = self._shown.get(event.trial)
            if known is None or replace(known, time=event.time, cost_usd=event.cost_usd) != event:
                self.say(f"{_line(event)}; {totals(summary)}" if event.trial else event.message)
            self._shown[event.trial] = event

    def close(self) -> None:
        """Nothing to end."""


class LiveDisplay:
    """A table of the open trials and the latest ends, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console  # loaded for a terminal only
        from rich.live import Live

        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._rows: dict[str, BackendEvent] = {}
        self._live.start()

    def say(self, text: str) -> None:
        """Prints a line above the table."""
        self._console.print(text, markup=False, highlight=False)

    def show(self, events: Sequence[BackendEvent], *, summary: Summary) -> None:
        """Redraws the table."""
        for event in events:
            if event.trial:
                self._rows.pop(event.trial, None)
                self._rows[event.trial] = event
        latest = dict(list(self._rows.items())[-MAX_ROWS:])
        self._rows = latest
        self._live.update(_table(latest, summary=summary))

    def close(self) -> None:
        """Removes the table."""
        self._live.stop()


def totals(summary: Summary) -> str:
    """Trials, money and front in a few words."""
    counts, cost = summary.counts, summary.cost
    ended = counts.completed + counts.stopped + counts.failed
    return (
        f"{ended} of {counts.total} trials ended ({counts.stopped} stopped, "
        f"{counts.failed} failed), spent {money(cost.spent)}, front {len(summary.front)}"
    )


def _line(event: BackendEvent) -> str:
    reason = f" ({event.reason})" if event.reason and event.reason != event.state else ""
    message = f": {event.message}" if event.message else ""
    return f"{event.trial} {event.state}{reason}{message}, {money(event.cost_usd)}"


def _table(rows: Mapping[str, BackendEvent], *, summary: Summary) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=totals(summary), title_justify="left", box=None, pad_edge=False)
    for column in ("TRIAL", "STATE", "ATTEMPT", "COST", ""):
        table.add_column(column, no_wrap=column != "")
    for event in rows.values():
        words = ": ".join(filter(None, [event.reason, event.message.split("\n")[0][:100]]))
        table.add_row(
            event.trial,
            event.state,
            str(event.attempt or ""),
            money(event.cost_usd),
            escape(words),
        )
    return table
