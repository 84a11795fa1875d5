"""Why a configuration is proposed, as plain JSON for the trial and for `tuner explain`."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from tuner.searchers.engine.models import Prediction
from tuner.searchers.engine.outcomes import RESTORE_SECONDS, stage_prices
from tuner.searchers.engine.scoring import Scorer
from tuner.surrogates.points import Points


def explain(
    scorer: Scorer, point: Points, *, names: tuple[str, ...], candidates: int
) -> dict[str, Any]:
    """The reasons for one candidate.

    Args:
        scorer: What it was chosen by.
        point: One point.
        names: Names of the trials, as prefixes refer to them.
        candidates: How many it was chosen from.
    """
    prediction = scorer.model.predict(point)
    found = scorer.outcomes(point, prediction)
    spend = float(np.mean(found.spend))
    facts = scorer.facts
    why: dict[str, Any] = {
        "predicted": _objectives(scorer, prediction, found.objectives[:, 0]),
        "spend": {"usd" if facts.in_dollars else "seconds": spend},
        "eta": float(scorer.eta),
        "candidates": candidates,
    }
    prefix = _prefix(scorer, point, prediction, names=names)
    if prefix:
        why["prefix"] = prefix
    failing = float(scorer.failures.probability(point)[0])
    if failing > 0.0:
        why["failureProbability"] = failing
    return why


def _objectives(
    scorer: Scorer, prediction: Prediction, samples: np.ndarray[Any, np.dtype[np.float64]]
) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each objective in its own unit."""
    predicted = {}
    for index, objective in enumerate(scorer.facts.objectives):
        values = samples[:, index]
        if objective.model is None:
            values = np.exp(values)
        else:
            warp = scorer.model.metrics[objective.model].warp
            values = objective.sign * (values if warp is None else warp.inverse(values))
        mean, sd = float(np.mean(values)), float(np.std(values))
        if isfinite(mean) and isfinite(sd):
            predicted[objective.metric] = {"mean": mean, "sd": sd}
    return predicted


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
