"""What an instance type is like, as numbers that a model can generalise over."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tuner.hardware.accelerators import accelerator_count
from tuner.spec import InstanceTypeSpec, quantity_value

LOG2_CPUS = "log2_cpus"
LOG2_MEMORY = "log2_memory_gib"
ACCELERATORS = "accelerators"
LOG_PRICE = "log_price"

_CPU, _MEMORY = "cpu", "memory"
_GIB = float(1 << 30)


def instance_features(instance_type: InstanceTypeSpec) -> dict[str, float]:
    """Size, memory, accelerators and price of an instance type.

    Sizes and the price are logarithms, since times and dollars scale by factors. What the type
    does not say, or says to be 0, is left out.

    Returns:
        Some of `log2_cpus`, `log2_memory_gib` (base 2), `accelerators` (a count, always there) and
        `log_price` (natural logarithm of USD per hour).

    Raises:
        ManifestError: A quantity that is none.
    """
    resources = instance_type.resources or {}
    values = {name: quantity_value(quantity) for name, quantity in resources.items()}
    features = {ACCELERATORS: _accelerators(instance_type, values)}
    if values.get(_CPU, 0.0) > 0:
        features[LOG2_CPUS] = math.log2(values[_CPU])
    if values.get(_MEMORY, 0.0) > 0:
        features[LOG2_MEMORY] = math.log2(values[_MEMORY] / _GIB)
    if instance_type.price_per_hour:
        features[LOG_PRICE] = math.log(instance_type.price_per_hour)
    return features


def _accelerators(instance_type: InstanceTypeSpec, values: Mapping[str, float]) -> float:
    """As described, else as reserved: extended resources such as nvidia.com/gpu."""
    if instance_type.accelerator is not None:
        return float(instance_type.accelerator.count)
    return accelerator_count(values)
