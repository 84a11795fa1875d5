"""What a trial is worth: acquisition functions and how they are maximised."""

from tuner.acquisition.boxes import FrontBoxes
from tuner.acquisition.cooling import eta
from tuner.acquisition.eeipu import log_acquisition, log_inverse_cost
from tuner.acquisition.improvement import (
    LogImprovement,
    expected_improvement,
    log_expected_improvement,
)
from tuner.acquisition.reduction import log_gain_per_spend, log_mean_exp
from tuner.acquisition.sampling import sobol_normal, sobol_uniform

__all__ = [
    "FrontBoxes",
    "LogImprovement",
    "eta",
    "expected_improvement",
    "log_acquisition",
    "log_expected_improvement",
    "log_gain_per_spend",
    "log_inverse_cost",
    "log_mean_exp",
    "sobol_normal",
    "sobol_uniform",
]
