"""Which trials tell most of a study: the first, the best, and an even sample of the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.initial import NAME as INITIAL
from tuner.searchers.proposed import configuration_digest
from tuner.spec import Objective
from tuner.study.chronicle import Story

FIRST = 64
"""The study's first trials are kept: they tell what it spent before it was modelled."""

BEST_SHARE = 0.25
"""Of what stays, so much is there because it is good; more would hide how most trials fare."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What decides whether a trial is kept.

    Attributes:
        name: Of the trial.
        digest: Of its configuration.
        chance: Even in [0, 1), by the name alone: what was sampled once is sampled again.
        values: Objectives to minimise; NaN where it did not complete.
        initial: Whether the manifest asked for it.
    """

    name: str
    digest: int
    chance: float
    values: tuple[float, ...]
    initial: bool


def mark_of(story: Story, *, objectives: Sequence[Objective], before: Mark | None = None) -> Mark:
    """The mark of a proposed trial, given the one it had before more was told of it."""
    completed = story.completed
    if completed is None:
        values = (nan,) * len(objectives)
    else:
        values = tuple(_value(completed.metrics.get(one.metric, nan), one) for one in objectives)
    if before is not None:
        return Mark(before.name, before.digest, before.chance, values, before.initial)
    trial = story.trial
    return Mark(
        name=story.name,
        digest=configuration_digest(trial.parameters, trial.instance_types) if trial else 0,
        chance=_chance(story.name),
        values=values,
        initial=trial is not None and trial.why.get("searcher") == INITIAL,
    )


def _value(metric: float, objective: Objective) -> float:
    return (metric if objective.minimize else -metric) if isfinite(metric) else nan


def telling(
    marks: Sequence[Mark], *, count: int, always: Collection[str] = ()
) -> NDArray[np.bool_]:
    """Which of n ended trials to keep, shape (n,): about `count` of them.

    The best are found front by front; the sample takes those of least chance.

    Args:
        marks: In the order of the trials' ends.
        count: How many.
        always: Names of those that stay whatever they tell.
    """
    stay = np.array([one.initial or one.name in always for one in marks], dtype=np.bool_)
    stay[:FIRST] = True
    values = np.array([one.values for one in marks], dtype=np.float64).reshape(len(marks), -1)
    stay[_best(values, count=round(BEST_SHARE * count))] = True
    order = np.argsort(np.array([one.chance for one in marks]), kind="stable")
    others = order[~stay[order]]
    stay[others[: max(0, count - int(stay.sum()))]] = True
    return stay


def _best(values: NDArray[np.float64], *, count: int) -> NDArray[np.intp]:
    """Indices of at most so many rows of values to minimise: the best fronts, the last in part."""
    # Needed in long studies only, and it loads what a worker without models does without.
    from tuner.acquisition.fronts import first_fronts

    if not values.shape[1]:
        return np.array([], dtype=np.intp)
    finite = np.flatnonzero(np.all(np.isfinite(values), axis=1))
    fronts = [np.sort(front) for front in first_fronts(values[finite], count=count)]
    best = np.concatenate(fronts)[:count] if fronts else np.array([], dtype=np.intp)
    return np.asarray(finite[best], dtype=np.intp)


def _chance(name: str) -> float:
    return int.from_bytes(blake2b(name.encode(), digest_size=6).digest(), "big") / 2.0**48
