"""Instance types: which of them a stage may use, what they offer, what they cost."""

from tuner.hardware.accelerators import accelerator_count, accelerator_share
from tuner.hardware.choices import (
    Group,
    HardwareProblem,
    ProblemReason,
    StageChoices,
    resolve,
)
from tuner.hardware.cost import paid_share, price_per_hour
from tuner.hardware.features import instance_features
from tuner.hardware.resources import InstanceResources, resources_of

__all__ = [
    "Group",
    "HardwareProblem",
    "InstanceResources",
    "ProblemReason",
    "StageChoices",
    "accelerator_count",
    "accelerator_share",
    "instance_features",
    "paid_share",
    "price_per_hour",
    "resolve",
    "resources_of",
]
