"""Whether the prior's intervals hold what they promise on a task that was left out."""

from __future__ import annotations

import numpy as np

from benchmarks.transfer.case import Case
from benchmarks.transfer.own import portfolio

OBSERVED = 10
_Z90 = 1.6448536269514722


def coverage(case: Case) -> float:
    """Share of the task's better half that lies within 90 % intervals after ten observations.

    Values are compared as the product compares them: what is worse than the margin's median is
    drawn in (`PriorPredictor.condition`).
    """
    rows = portfolio(case, np.random.default_rng(0))[:OBSERVED]
    predictor = case.prior.predictor(case.X[rows], case.y[rows], case.groups)
    good = case.y <= np.median(case.y)
    good[rows] = False
    mean, variance = predictor.predict(case.X[good])
    half = _Z90 * np.sqrt(variance)
    values = predictor.margin.transform(case.y[good])
    return float((np.abs(values - mean) <= half).mean())
