"""Small SVG plots: lines with bands, points, and bars with intervals; no plotting library."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from benchmarks._statistics import Estimate

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000")
LEGEND_LINE = 16
BAR = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points of one name.

    Attributes:
        name: For the legend.
        x: Rising (n,).
        y: (n,).
        low: Lower edge of the band (n,); empty for no band.
        high: Upper edge.
        dashed: For controls.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis, linear or logarithmic, from data to pixels."""

    values: Sequence[float] = field(repr=False)
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies."""
        low, high = self._bounds()
        return self.start + (self._scaled(value) - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers along the axis."""
        low, high = self._bounds()
        if self.log:
            decades = range(math.floor(low), math.ceil(high) + 1)
            steps = (1, 2, 5) if high - low < 2.5 else (1,)
            marks = [step * 10.0**decade for decade in decades for step in steps]
            return [mark for mark in marks if low <= math.log10(mark) <= high]
        step = 10 ** math.floor(math.log10((high - low) / 4))
        step *= next(one for one in (1, 2, 5, 10) if (high - low) / (step * one) <= 6)
        return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]

    def _bounds(self) -> tuple[float, float]:
        known = [self._scaled(one) for one in self.values if math.isfinite(one)]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = 0.04 * (high - low) or 0.5
        return low - margin, high + margin

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def lines(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
) -> str:
    """Lines as steps-free polylines, bands below them. Infinite values leave gaps."""
    x, y = _axes(series, log_x=log_x, log_y=log_y)
    parts = [*_frame(x, y, title=title, x_label=x_label, y_label=y_label)]
    for one, colour in zip(series, _colours(len(series)), strict=True):
        points = [pair for pair in zip(one.x, one.y, strict=True) if _finite(*pair)]
        if one.low and one.high:
            upper = [pair for pair in zip(one.x, one.high, strict=True) if _finite(*pair)]
            lower = [pair for pair in zip(one.x, one.low, strict=True) if _finite(*pair)]
            band = _path([*upper, *reversed(lower)], x, y)
            parts.append(f'<path d="{band}Z" fill="{colour}" fill-opacity="0.15"/>')
        dash = ' stroke-dasharray="5 4"' if one.dashed else ""
        line = _path(points, x, y)
        parts.append(f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
    return _document([*parts, *_legend([one.name for one in series])], HEIGHT)


def points(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
) -> str:
    """Points in the plane, as for a front."""
    x, y = _axes(series, log_x=log_x, log_y=log_y)
    parts = [*_frame(x, y, title=title, x_label=x_label, y_label=y_label)]
    for one, colour in zip(series, _colours(len(series)), strict=True):
        parts += [
            f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="4" fill="{colour}" fill-opacity="0.7"/>'
            for a, b in zip(one.x, one.y, strict=True)
            if _finite(a, b)
        ]
    return _document([*parts, *_legend([one.name for one in series])], HEIGHT)


def bars(
    estimates: Mapping[str, Estimate],
    *,
    title: str,
    x_label: str,
    reference: float | None = None,
    log: bool = False,
) -> str:
    """One bar a name, with its interval, and a line at a reference such as a target or 1."""
    left, height = 190, TOP + BAR * len(estimates) + BOTTOM
    marks = [] if reference is None else [reference]
    known = [one for each in estimates.values() for one in (each.value, each.low, each.high)]
    x = Axis(
        values=[*known, *marks, *([] if log else [0.0])], start=left, end=WIDTH - RIGHT, log=log
    )
    bottom = height - BOTTOM
    parts = [_text(WIDTH / 2, 20, title, extra='font-weight="bold"')]
    for tick in x.ticks():
        parts.append(f'<path d="M{x(tick):.1f} {TOP}V{bottom}" stroke="#eee"/>')
        parts.append(_text(x(tick), bottom + 16, f"{tick:g}"))
    for place, (name, one) in enumerate(estimates.items()):
        middle = TOP + BAR * (place + 0.5)
        parts.append(_text(left - 8, middle + 4, name, anchor="end"))
        parts.append(
            f'<path d="M{x(one.low):.1f} {middle}H{x(one.high):.1f}" stroke="{COLOURS[0]}"'
            ' stroke-width="3" stroke-opacity="0.5"/>'
        )
        parts.append(f'<circle cx="{x(one.value):.1f}" cy="{middle}" r="5" fill="{COLOURS[0]}"/>')
    for mark in marks:
        parts.append(
            f'<path d="M{x(mark):.1f} {TOP}V{bottom}" stroke="#333" stroke-dasharray="4"/>'
        )
    parts.append(_text((left + WIDTH) / 2, height - 12, x_label))
    return _document(parts, height)


def _axes(series: Sequence[Series], *, log_x: bool, log_y: bool) -> tuple[Axis, Axis]:
    xs = [value for one in series for value in one.x]
    ys = [value for one in series for part in (one.y, one.low, one.high) for value in part]
    return (
        Axis(values=xs, start=LEFT, end=WIDTH - RIGHT, log=log_x),
        Axis(values=ys, start=HEIGHT - BOTTOM, end=TOP, log=log_y),
    )


def _frame(x: Axis, y: Axis, *, title: str, x_label: str, y_label: str) -> Iterator[str]:
    yield _text(WIDTH / 2, 20, title, extra='font-weight="bold"')
    for tick in x.ticks():
        yield f'<path d="M{x(tick):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
        yield _text(x(tick), HEIGHT - BOTTOM + 18, f"{tick:g}")
    for tick in y.ticks():
        yield f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="#eee"/>'
        yield _text(LEFT - 8, y(tick) + 4, f"{tick:g}", anchor="end")
    yield _text(WIDTH / 2, HEIGHT - 12, x_label)
    middle = HEIGHT / 2
    yield _text(16, middle, y_label, extra=f'transform="rotate(-90 16 {middle})"')


def _legend(names: Sequence[str]) -> Iterator[str]:
    right = WIDTH - RIGHT - 8
    for place, (name, colour) in enumerate(zip(names, _colours(len(names)), strict=True)):
        y = TOP + 12 + LEGEND_LINE * place
        yield f'<rect x="{right - 10}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        yield _text(right - 16, y, name, anchor="end")


def _path(points: Sequence[tuple[float, float]], x: Callable[[float], float], y: Axis) -> str:
    return "".join(
        f"{'L' if place else 'M'}{x(a):.1f} {y(b):.1f}" for place, (a, b) in enumerate(points)
    )


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


def _colours(count: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(count)]


def _text(x: float, y: float, words: str, *, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def _document(parts: Sequence[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    )
    return "\n".join([head, *parts, "</svg>\n"])
