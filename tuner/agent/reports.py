"""Reading TUNER_REPORTS: every odd line becomes a counted warning, none an error."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.agent.progress import Report

MAX_LINE_BYTES = 65_536
MAX_METRICS = 64
MAX_NAME_LENGTH = 100
"""Of a metric's name as JSON, quotes left out."""

MALFORMED = "MalformedReport"
NOT_FINITE = "NotFinite"
NOT_A_NUMBER = "NotANumber"
TOO_LONG = "ReportTooLong"
TOO_MANY = "TooManyMetrics"
THINNED = "ReportsThinned"
TRUNCATED = "ReportsTruncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Reports in order, and how often something odd was seen."""

    reports: tuple[Report, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)


def parse_lines(lines: Sequence[bytes], *, fidelity_name: str | None) -> Parsed:
    """Reads complete lines; empty ones are passed over.

    Args:
        lines: Without their ends.
        fidelity_name: The key that counts fidelity; None for stages without fidelity.
    """
    warnings: Counter[str] = Counter()
    reports = [
        report
        for line in lines
        if line.strip()
        and (report := _parse(line, fidelity_name=fidelity_name, warnings=warnings)) is not None
    ]
    return Parsed(reports=tuple(reports), warnings=dict(warnings))


def thin(reports: Sequence[Report], *, limit: int) -> tuple[Report, ...]:
    """At most `limit` of the reports, evenly spread, the last among them."""
    if len(reports) <= limit:
        return tuple(reports)
    # In whole numbers: rounding could lead beyond the last.
    return tuple(reports[-(-(index + 1) * len(reports) // limit) - 1] for index in range(limit))


def _parse(line: bytes, *, fidelity_name: str | None, warnings: Counter[str]) -> Report | None:
    if len(line) > MAX_LINE_BYTES:
        warnings[TOO_LONG] += 1
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        warnings[MALFORMED] += 1
        return None
    if not isinstance(data, dict):
        warnings[MALFORMED] += 1
        return None
    return _report(data, fidelity_name=fidelity_name, warnings=warnings)


def _report(
    data: Mapping[str, object], *, fidelity_name: str | None, warnings: Counter[str]
) -> Report:
    metrics: dict[str, float] = {}
    fidelity: float | None = None
    for name, raw in data.items():
        value = _number(raw)
        if value is None or not _is_name(name):
            warnings[NOT_A_NUMBER] += 1
        elif name == fidelity_name:
            fidelity = value if math.isfinite(value) and value > 0 else None
        elif len(metrics) == MAX_METRICS:
            warnings[TOO_MANY] += 1
        else:
            if not math.isfinite(value):
                warnings[NOT_FINITE] += 1
            metrics[name] = value
    return Report(metrics=metrics, fidelity=fidelity)


def _is_name(name: str) -> bool:
    """Whether a metric may be called so: what bounds its records is its length as JSON."""
    return name.isprintable() and len(json.dumps(name)) <= MAX_NAME_LENGTH + 2


def _number(raw: object) -> float | None:
    """A number; null counts as NaN, for that is how many writers of JSON spell it."""
    if raw is None:
        return math.nan
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        return float(raw)
    except OverflowError:
        return math.inf
