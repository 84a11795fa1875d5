"""Accelerators among the resources of an instance type: whole ones, and slices of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WHOLE = ("gpu", "gpu.shared", "tpu", "neuron", "neurondevice", "gaudi", "npu", "i915", "xe")
"""What device plugins call an accelerator: nvidia.com/gpu, google.com/tpu, habana.ai/gaudi."""

_MIG = re.compile(r"mig-(\d+)g\.")
_MIG_SLICES = 7.0
"""Compute slices of a whole GPU with MIG (A30: 4, so that its slices count for too little)."""


def accelerator_share(resource: str) -> float:
    """How much of an accelerator one unit of a resource is; 0 for what is none.

    Args:
        resource: Its name, e.g. `nvidia.com/gpu` (1) or `nvidia.com/mig-3g.40gb` (3/7).
    """
    domain, _, name = resource.rpartition("/")
    if not domain:
        return 0.0
    mig = _MIG.match(name)
    if mig is not None:
        return int(mig[1]) / _MIG_SLICES
    return 1.0 if name in _WHOLE else 0.0


def accelerator_count(resources: Mapping[str, float]) -> float:
    """How many accelerators these resources are; slices count as parts."""
    return sum(accelerator_share(name) * amount for name, amount in resources.items())
