"""Prices, and the most that a trial can cost."""

from __future__ import annotations

from tuner.spec import InstanceType, InstanceTypeSpec

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
