"""What every benchmark ends with: one line of JSON."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure: the value, its 95 % interval if there is one, and what was promised."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    target: float | None = None
    met: bool | None = None


def at_most(
    name: str, value: float, *, target: float, interval: tuple[float, float] | None = None
) -> Figure:
    """A figure that must not exceed its target."""
    return Figure(name=name, value=value, interval=interval, target=target, met=value <= target)


def at_least(
    name: str, value: float, *, target: float, interval: tuple[float, float] | None = None
) -> Figure:
    """A figure that must reach its target."""
    return Figure(name=name, value=value, interval=interval, target=target, met=value >= target)


def bootstrap(
    samples: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = statistics.median,
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentiles) of a statistic."""
    rng = random.Random(seed)
    values = sorted(statistic(rng.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    return values[round(0.025 * RESAMPLES)], values[round(0.975 * RESAMPLES) - 1]


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * round(100 * share) // 100) - 1)]


def report(benchmark: str, figures: Sequence[Figure], *, controls: Mapping[str, object]) -> str:
    """The line; floats are rounded to four digits behind the point."""
    document = {
        "benchmark": benchmark,
        "figures": [asdict(figure) for figure in figures],
        "controls": dict(controls),
    }
    return json.dumps(_rounded(document))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
