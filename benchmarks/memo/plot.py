"""Mean curves of the best value over the share of the budget spent, as one SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.memo.figures import GRID, Table
from benchmarks.memo.methods import OURS
from benchmarks.memo.runs import Array, Runs

WIDTH, HEIGHT, LEFT, TOP, GAP = 340, 220, 56, 40, 30
COLUMNS = 3
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")


def plot(tables: Sequence[Table]) -> str:
    """One panel a problem, everyone with a cache; ours is black and thick."""
    rows = -(-len(tables) // COLUMNS)
    width = COLUMNS * (WIDTH + LEFT) + GAP
    height = rows * (HEIGHT + TOP + GAP) + GAP
    panels = "".join(
        f'<g transform="translate({(index % COLUMNS) * (WIDTH + LEFT) + LEFT},'
        f'{(index // COLUMNS) * (HEIGHT + TOP + GAP) + TOP})">{_panel(table)}</g>'
        for index, table in enumerate(tables)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f"{panels}</svg>\n"
    )


def _panel(table: Table) -> str:
    curves = {name: _mean(runs) for name, runs in table.baselines(cached=True).items()}
    curves[OURS] = _mean(table.ours)
    ends = [float(curve[-1]) for curve in curves.values()]
    low, high = min(ends), max(float(curve[len(GRID) // 20]) for curve in curves.values())
    span = max(high - low, 1e-12)
    lines = [
        _line(curve, low=low, span=span, colour=colour, width=1.2)
        for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False)
        if name != OURS
    ]
    lines.append(_line(curves[OURS], low=low, span=span, colour="black", width=2.6))
    others = [name for name in curves if name != OURS]
    names = [*zip(COLOURS, others, strict=False), ("black", OURS)]
    return (
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
        f'<text x="{WIDTH / 2}" y="-10" text-anchor="middle">{table.problem}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 16}" text-anchor="middle">'
        "share of the budget after the warm-up</text>"
        f'<text x="-6" y="10" text-anchor="end">{high:.3g}</text>'
        f'<text x="-6" y="{HEIGHT}" text-anchor="end">{low:.3g}</text>'
        f"{''.join(lines)}{_legend(names)}"
    )


def _mean(runs: Runs) -> Array:
    return np.asarray(np.mean([run.at(GRID * run.budget) for run in runs], axis=0))


def _line(curve: Array, *, low: float, span: float, colour: str, width: float) -> str:
    shares = np.clip((curve - low) / span, 0.0, 1.0)
    points = " ".join(
        f"{WIDTH * x:.1f},{HEIGHT * (1.0 - share):.1f}"
        for x, share in zip(GRID[::10], shares[::10], strict=True)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _legend(names: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<text x="{WIDTH - 6}" y="{14 + 13 * index}" text-anchor="end" fill="{colour}">'
        f"{name}</text>"
        for index, (colour, name) in enumerate(names)
    )
