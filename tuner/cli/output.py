"""How values become text: money, durations, tables, JSON, YAML."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

import typer

from tuner.cli.options import Format

_CENTS = 0.1
_MAX_DECIMALS = 6


def money(usd: float) -> str:
    """Dollars with cents; three digits of what is below ten cents, to a millionth of a dollar."""
    if usd == 0 or abs(usd) >= _CENTS:
        return f"${usd:.2f}"
    return f"${usd:.{min(_MAX_DECIMALS, 2 - math.floor(math.log10(abs(usd))))}f}"


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def change(value: float, base: float) -> str:
    """The relative change from `base`, as `-1.9%` or `+61%`; empty if there is none to speak of."""
    if base == 0 or not math.isfinite(value) or not math.isfinite(base):
        return ""
    percent = 100 * (value - base) / abs(base)
    return f"{percent:+.1f}%" if abs(percent) < 10 else f"{percent:+.0f}%"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, two spaces apart, as wide as they must be."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def dump(value: object, *, form: Format) -> str:
    """JSON or YAML text of JSON values."""
    if form is Format.JSON:
        return json.dumps(value, indent=2)
    import yaml  # only this format needs it

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True)).rstrip("\n")


def show(form: Format, *, text: Callable[[], str], shape: Callable[[], object]) -> None:
    """Prints a result.

    Args:
        form: How.
        text: Makes the text for people.
        shape: Makes the JSON values.
    """
    typer.echo(text() if form is Format.TABLE else dump(shape(), form=form))


def metric_text(metric: str, value: float) -> str:
    """A metric's value: dollars for `cost`, seconds for `runtime`."""
    if metric == "cost":
        return money(value)
    return f"{number(value)}s" if metric == "runtime" else number(value)
