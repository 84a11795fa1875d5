"""Why a configuration is proposed, as plain JSON for the trial and for `tuner explain`."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.engine.models import Prediction
from tuner.searchers.engine.outcomes import RESTORE_SECONDS, stage_prices
from tuner.searchers.engine.scoring import Scorer
from tuner.surrogates.points import Points


def explain(
    scorer: Scorer,
    point: Points,
    *,
    names: tuple[str, ...],
    candidates: int,
    on_front: float | None = None,
) -> dict[str, Any]:
    """The reasons for one candidate.

    Args:
        scorer: What it was chosen by.
        point: One point.
        names: Names of the trials, as prefixes refer to them.
        candidates: How many it was chosen from.
        on_front: How likely it seemed to be on the front, where that is known.
    """
    prediction = scorer.model.predict(point)
    found = scorer.outcomes(point, prediction)
    spend = float(np.mean(found.spend))
    facts = scorer.facts
    why: dict[str, Any] = {
        "predicted": {
            **_constrained(scorer, prediction),
            **_objectives(scorer, found.objectives[:, 0]),
        },
        "candidates": candidates,
    }
    if any(len(rows) for rows in scorer.data.times):
        # Of times that nobody told there is nothing to say.
        why["spend"] = {"usd" if facts.in_dollars else "seconds": spend}
        why["eta"] = float(scorer.eta)
    told = {"weight": _prior_weight(scorer), "onFront": on_front}
    prior = {name: value for name, value in told.items() if value is not None}
    if prior:
        why["prior"] = prior
    prefix = _prefix(scorer, point, prediction, names=names)
    if prefix:
        why["prefix"] = prefix
    failing = float(scorer.failures.probability(point)[0])
    if failing > 0.0:
        why["failureProbability"] = failing
    return why


def _objectives(scorer: Scorer, samples: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each objective in its own unit."""
    predicted: dict[str, dict[str, float]] = {}
    for index, objective in enumerate(scorer.facts.objectives):
        values = samples[:, index]
        if objective.model is None:
            predicted |= _moments(objective.metric, np.exp(values))
        else:
            predicted |= _moments(objective.metric, _reported(scorer, objective.model, values))
    return predicted


def _constrained(scorer: Scorer, prediction: Prediction) -> dict[str, dict[str, float]]:
    """The same of each reported metric that a constraint bounds."""
    predicted: dict[str, dict[str, float]] = {}
    for one in scorer.facts.constraints:
        if one.model is not None:
            mean, sd = prediction.metric_mean[one.model, 0], prediction.metric_sd[one.model, 0]
            values = mean + sd * scorer.z[:, one.model]
            predicted |= _moments(one.metric, _reported(scorer, one.model, values))
    return predicted


def _prior_weight(scorer: Scorer) -> float | None:
    """How much earlier studies count, in the mean over the metrics that they know."""
    shares = [1.0 - one.weights.get("none", 0.0) for one in scorer.model.metrics if one.weights]
    return float(np.mean(shares)) if shares else None


def _reported(scorer: Scorer, model: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a model as the stage would report them."""
    warp = scorer.model.metrics[model].warp
    return scorer.facts.signs[model] * (values if warp is None else warp.inverse(values))


def _moments(metric: str, values: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    mean, sd = float(np.mean(values)), float(np.std(values))
    return {metric: {"mean": mean, "sd": sd}} if isfinite(mean) and isfinite(sd) else {}


def _prefix(
    scorer: Scorer, point: Points, prediction: Prediction, *, names: tuple[str, ...]
) -> dict[str, Any] | None:
    facts = scorer.facts
    stored, owners = scorer.stored.depths(point)
    coming, makers = scorer.coming.depths(point)
    depth, owner = max((int(stored[0]), int(owners[0])), (int(coming[0]), int(makers[0])))
    if not depth:
        return None
    prices = stage_prices(facts, point.types)[:depth, 0]
    restore = np.nan_to_num(scorer.data.restore_seconds[:depth], nan=RESTORE_SECONDS)
    saved = np.maximum(np.exp(prediction.time_mean[:depth, 0]) - restore, 0.0)
    prefix: dict[str, Any] = {
        "stages": [one.name for one in facts.stages[:depth]],
        "trial": names[owner] if owner < len(names) else "of an earlier study",
        "savesSeconds": float(saved.sum()),
    }
    if facts.in_dollars:
        prefix["savesUsd"] = float(saved @ prices)
    if depth > int(stored[0]):
        prefix["running"] = True
    return prefix
