"""The promised figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks._report import Figure
from benchmarks.transfer.curves import Curves, area, evaluations, interval
from benchmarks.transfer.methods import GP_EI, METHODS, OURS, PORTFOLIO

FASTER = {0.1: 5.0, 0.05: 5.0}
"""Evaluations of the best method without transfer over ours, by regret."""


def figures_of(curves: Mapping[str, Curves]) -> Iterator[Figure]:
    """The figures of every collection that was run."""
    for collection, by_method in curves.items():
        if collection == "LCBench":
            yield from _lcbench(by_method)
        if PORTFOLIO in by_method and GP_EI in by_method:
            yield _figure(
                f"{collection}: area under regret over the better of GP-LogEI and portfolio",
                by_method,
                lambda one: area(one[OURS]) / min(area(one[GP_EI]), area(one[PORTFOLIO])),
                target=1.1,
                at_least=False,
            )


def _lcbench(curves: Curves) -> Iterator[Figure]:
    alone = [name for name in curves if not METHODS[name].transfer]
    for threshold, target in FASTER.items() if alone else ():
        yield _figure(
            f"LCBench: evaluations to regret {threshold:g}, best without transfer over ours",
            curves,
            lambda one, t=threshold: (
                min(evaluations(one[name], t) for name in alone) / evaluations(one[OURS], t)
            ),
            target=target,
        )
    yield _figure(
        "LCBench: area under regret over that of the portfolio",
        curves,
        lambda one: area(one[OURS]) / area(one[PORTFOLIO]),
        target=1.0,
        at_least=False,
    )
    yield _figure(
        "LCBench: evaluations to regret 0.02, portfolio over ours",
        curves,
        lambda one: evaluations(one[PORTFOLIO], 0.02) / evaluations(one[OURS], 0.02),
        target=1.2,
    )


def _figure(
    name: str,
    curves: Curves,
    statistic: Callable[[Curves], float],
    *,
    target: float,
    at_least: bool = True,
) -> Figure:
    value = statistic(curves)
    met = value >= target if at_least else value <= target
    return Figure(
        name=name, value=value, interval=interval(curves, statistic), target=target, met=met
    )
