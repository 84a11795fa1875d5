"""Prices, and the most that a trial can cost."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tuner.spec import InstanceType, InstanceTypeSpec, TuningStudySpec, duration_seconds

_SECONDS_PER_HOUR = 3600.0
_LEAST_KEPT = 360.0
"""Of an hour: a type on which everything was lost so far may still be tried."""


def price_per_hour(instance_type: InstanceType) -> float:
    """USD; 0 for a type without a price, which only studies that count no dollars may use."""
    return instance_type.spec.price_per_hour or 0.0


def paid_share(instance_type: InstanceTypeSpec | None) -> float:
    """Seconds that are paid for one that is kept, at least 1: what preemption takes is run again.

    With s lost seconds an hour, 1 / (1 - s / 3600).
    """
    lost = 0.0 if instance_type is None else instance_type.preempted_seconds_per_hour or 0.0
    return _SECONDS_PER_HOUR / max(_SECONDS_PER_HOUR - lost, _LEAST_KEPT)


def worst_case_cost(
    spec: TuningStudySpec,
    *,
    instance_types: Mapping[str, str],
    prices_per_hour: Mapping[str, float],
) -> float:
    """The most that one trial can cost, in USD; infinite if no limit bounds it.

    Stages run one after the other, each no longer than its timeout and all together no longer than
    trialLimits.maxDuration: the worst case spends that time on the dearest stages. It never
    exceeds trialLimits.maxCost.

    Args:
        spec: The study.
        instance_types: The trial's instance type by stage.
        prices_per_hour: USD, by instance type.
    """
    limits = spec.trial_limits
    left = math.inf if limits.max_duration is None else duration_seconds(limits.max_duration)
    priced = sorted(
        (
            (prices_per_hour[instance_types[stage.name]], stage.timeout)
            for stage in spec.pipeline.stages
        ),
        key=lambda pair: pair[0],
        reverse=True,
    )
    cost = 0.0
    for price, timeout in priced:
        seconds = min(left, math.inf if timeout is None else duration_seconds(timeout))
        if price > 0:
            cost += seconds / _SECONDS_PER_HOUR * price
        left -= seconds if math.isfinite(seconds) else 0.0
    return min(cost, math.inf if limits.max_cost is None else limits.max_cost)
