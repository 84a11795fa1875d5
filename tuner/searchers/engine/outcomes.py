"""From samples of metrics and stage times to objectives, feasibility and spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.models import JointModel, Prediction

RESTORE_SECONDS = 1.0
"""What taking an artifact from the cache takes, as long as it never happened."""

_RUNNING_LEFT = 0.5
"""Of a stage that runs somewhere about half is left."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Samples of what candidates would come to.

    Attributes:
        objectives: To minimise; warped metrics, and logs of dollars and seconds; (S, C, M).
        feasible: Whether all constraints hold, shape (S, C).
        spend: What a trial would be charged, USD or seconds, shape (S, C).
    """

    objectives: NDArray[np.float64]
    feasible: NDArray[np.bool_]
    spend: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Charge:
    """How much of each stage's full time a candidate pays for.

    Attributes:
        share: Of the stage's predicted time, shape (K, C).
        restore: Seconds for artifacts taken from the cache, shape (K, C).
    """

    share: NDArray[np.float64]
    restore: NDArray[np.float64]


def outcomes(
    facts: Facts,
    model: JointModel,
    prediction: Prediction,
    *,
    z: NDArray[np.float64],
    types: NDArray[np.intp],
    charge: Charge,
) -> Outcomes:
    """Samples at C candidates; the same draws make gain and spend.

    Args:
        facts: The study.
        model: For its warps.
        prediction: At the candidates, shapes (q, C) and (K, C).
        z: Standard normal draws, shape (S, q + K), the same for all candidates.
        types: Instance type of each group of each candidate, shape (C, g).
        charge: What they would pay for.
    """
    q = len(prediction.metric_mean)
    metrics = (
        prediction.metric_mean[:, None, :]
        + prediction.metric_sd[:, None, :] * z[:, :q].T[:, :, None]
    )
    seconds = np.exp(
        prediction.time_mean[:, None, :] + prediction.time_sd[:, None, :] * z[:, q:].T[:, :, None]
    )
    prices = stage_prices(facts, types)
    paid = seconds * charge.share[:, None, :] + charge.restore[:, None, :]
    losses = stage_losses(facts, types)
    spend = np.einsum("ksc,kc->sc", paid, prices * losses if facts.in_dollars else losses)
    objectives, feasible = objectives_of(facts, model, metrics, seconds, types=types)
    return Outcomes(objectives, feasible, np.maximum(spend, np.finfo(float).tiny))


def objectives_of(
    facts: Facts,
    model: JointModel,
    metrics: NDArray[np.float64],
    seconds: NDArray[np.float64],
    *,
    types: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What samples of metrics and stage times come to, from scratch.

    Args:
        facts: The study.
        model: For its warps.
        metrics: Warped, shape (q, S, C).
        seconds: Of each stage, shape (K, S, C).
        types: Instance type of each group of each candidate, shape (C, g).

    Returns:
        Objectives to minimise, shape (S, C, M), and whether all constraints hold, shape (S, C).
    """
    prices = stage_prices(facts, types)
    objectives = [
        metrics[one.model]
        if one.model is not None
        else np.log(_built_in(seconds, prices, stages=one.stages, dollars=one.dollars))
        for one in facts.objectives
    ]
    return np.stack(objectives, axis=-1), _feasible(facts, model, metrics, seconds, prices)


def mean_objectives(
    facts: Facts, model: JointModel, prediction: Prediction, *, types: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Objectives, shape (C, M), and feasibility, shape (C,), at the predictions' means."""
    q, k = len(prediction.metric_mean), len(prediction.time_mean)
    count = prediction.time_mean.shape[1]
    nothing = Charge(np.zeros((k, count)), np.zeros((k, count)))
    found = outcomes(facts, model, prediction, z=np.zeros((1, q + k)), types=types, charge=nothing)
    return found.objectives[0], found.feasible[0]


def stage_prices(facts: Facts, types: NDArray[np.intp]) -> NDArray[np.float64]:
    """USD per second of each stage of C points, shape (K, C)."""
    return np.stack([facts.prices[one.group][types[:, one.group]] for one in facts.stages])


def stage_losses(facts: Facts, types: NDArray[np.intp]) -> NDArray[np.float64]:
    """Seconds paid for one that is kept, of each stage of C points, shape (K, C)."""
    return np.stack([facts.losses[one.group][types[:, one.group]] for one in facts.stages])


def charge_of(
    facts: Facts,
    data: StudyData,
    *,
    stored: NDArray[np.intp],
    coming: NDArray[np.intp],
) -> Charge:
    """What candidates pay for, given how many of their leading stages are or will be there.

    Args:
        facts: The study.
        data: For the restoring times.
        stored: Stages in the cache, shape (C,).
        coming: Stages in the cache once a running trial has got on, shape (C,).
    """
    full = full_shares(facts)
    restore = restore_seconds(data)[:, None]
    stage = np.arange(len(facts.stages))[:, None]
    is_stored = stage < stored[None, :]
    is_coming = ~is_stored & (stage < coming[None, :])
    share = np.where(is_stored, 0.0, np.where(is_coming, _RUNNING_LEFT, full[:, None]))
    return Charge(share, np.where(is_stored | is_coming, restore, 0.0))


def restore_seconds(data: StudyData) -> NDArray[np.float64]:
    """What restoring the output of each stage takes, shape (K,)."""
    return np.where(np.isnan(data.restore_seconds), RESTORE_SECONDS, data.restore_seconds)


def full_shares(facts: Facts) -> NDArray[np.float64]:
    """The share of each stage's full time that a trial runs to get to its end, shape (K,).

    Most trials end at a rung and pay less. But gain is that of the end: samples in which there is
    any are those in which the trial goes on and pays for everything, and only they count.
    """
    shares = np.ones(len(facts.stages))
    if facts.restarts:
        trains = np.array([one.fidelity for one in facts.stages])
        shares[trains] += sum(facts.rungs)
    return shares


def _built_in(
    seconds: NDArray[np.float64],
    prices: NDArray[np.float64],
    *,
    stages: tuple[int, ...],
    dollars: bool,
) -> NDArray[np.float64]:
    """Dollars or seconds from scratch, shape (S, C)."""
    which = list(stages)
    weights = prices[which] if dollars else np.ones_like(prices[which])
    total = np.einsum("ksc,kc->sc", seconds[which], weights)
    return np.asarray(np.maximum(total, np.finfo(float).tiny), dtype=np.float64)


def _feasible(
    facts: Facts,
    model: JointModel,
    metrics: NDArray[np.float64],
    seconds: NDArray[np.float64],
    prices: NDArray[np.float64],
) -> NDArray[np.bool_]:
    holds = np.ones(seconds.shape[1:], dtype=bool)
    for one in facts.constraints:
        if one.model is None:
            values = _built_in(seconds, prices, stages=one.stages, dollars=one.dollars)
            bounds = [(one.minimum, 1.0), (one.maximum, -1.0)]
        else:
            # Models see warped sign * value; the warp is monotone, so bounds go the same way.
            values = metrics[one.model]
            sign = facts.signs[one.model]
            bounds = [
                (_warped(model, one.model, sign, one.minimum), sign),
                (_warped(model, one.model, sign, one.maximum), -sign),
            ]
        for bound, side in bounds:
            if bound is not None:
                holds &= side * (values - bound) >= 0.0
    return holds


def _warped(model: JointModel, index: int, sign: float, bound: float | None) -> float | None:
    if bound is None:
        return None
    warp = model.metrics[index].warp
    value = sign * bound
    return value if warp is None else float(warp.transform(np.array([value]))[0])
