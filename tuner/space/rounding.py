"""Decimal grids for real numbers, so that encoding and decoding lose nothing.

A double in [-1, 1] can be closer to its neighbour than two doubles of the unit interval are, so no
encoding of all doubles into [0, 1] can be undone exactly. Values are therefore kept to twelve
significant digits: far finer than any tuning result, far coarser than rounding errors, and short
enough to read.
"""

from __future__ import annotations

import math

DIGITS = 12
"""Significant digits that are kept."""


def decimals_for(magnitude: float) -> int:
    """Decimal places that keep `DIGITS` digits of numbers up to this magnitude."""
    return DIGITS - math.ceil(math.log10(magnitude)) if magnitude > 0 else DIGITS


def round_absolute(value: float, *, decimals: int) -> float:
    """The nearest multiple of `10 ** -decimals`; never minus zero."""
    return round(value, decimals) + 0.0


def round_significant(value: float) -> float:
    """The nearest number of `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS - 1}e}")
