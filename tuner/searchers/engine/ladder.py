"""From which rung on it saves enough to end trials: successive halving counts money, not epochs.

Hyperband takes it that reaching the next rung costs eta times as much, so that each rung's trials
cost as much as the next one's. Where stages run before the one that trains, most is paid before the
first rung: a trial that ends there has shown little and saved little.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.models import Prediction
from tuner.searchers.engine.outcomes import Charge, stage_losses, stage_prices


def rungs_from(
    facts: Facts,
    prediction: Prediction,
    *,
    types: NDArray[np.intp],
    charge: Charge,
    restore: NDArray[np.float64],
) -> float:
    """The lowest rung from which on every one saves enough; infinite where none does.

    A rung does if the next one, or the end, costs at least sqrt(eta) times as much as getting to it
    and, where trials may be promoted, coming back to it: nearer to eta than to nothing at all.

    Args:
        facts: The study.
        prediction: Of one trial.
        types: Its instance types, shape (1, g).
        charge: What it pays for to its end.
        restore: Seconds to restore each stage's output, shape (K,).

    Returns:
        In the unit of the fidelity; 0 without rungs.
    """
    place = next((index for index, one in enumerate(facts.stages) if one.fidelity), None)
    if place is None or not facts.rungs or not charge.share[place, 0]:
        return 0.0
    rates = stage_losses(facts, types)[:, 0]
    if facts.in_dollars:
        rates = rates * stage_prices(facts, types)[:, 0]
    seconds = np.exp(prediction.time_mean[:, 0])
    spend = (seconds * charge.share[:, 0] + charge.restore[:, 0]) * rates
    back = float(restore[:place] @ rates[:place]) if facts.promotes else 0.0
    trained = np.cumsum(facts.rungs) if facts.restarts else np.array(facts.rungs)
    costs = spend[:place].sum() + seconds[place] * rates[place] * trained
    enough, found, after = sqrt(facts.reduction_factor), inf, float(spend.sum())
    for rung, cost in zip(reversed(facts.rungs), reversed(costs.tolist()), strict=True):
        if after < enough * (cost + back):
            break
        found, after = rung * facts.max_fidelity, cost
    return found
