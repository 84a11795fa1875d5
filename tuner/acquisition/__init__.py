"""What a trial is worth: acquisition functions and how they are maximised."""

from tuner.acquisition.ascent import Gradient, Score
from tuner.acquisition.boxes import FrontBoxes
from tuner.acquisition.cooling import eta
from tuner.acquisition.cube import Cube
from tuner.acquisition.eeipu import log_acquisition, log_inverse_cost
from tuner.acquisition.improvement import (
    LogImprovement,
    expected_improvement,
    log_expected_improvement,
)
from tuner.acquisition.maximise import Effort, Refined, choose_starts, refine
from tuner.acquisition.moves import Coordinates, perturb
from tuner.acquisition.pool import Pool, PoolSize, Prefix, candidates, deepest
from tuner.acquisition.reduction import log_gain_per_spend, log_mean_exp
from tuner.acquisition.sampling import sobol_normal, sobol_uniform

__all__ = [
    "Coordinates",
    "Cube",
    "Effort",
    "FrontBoxes",
    "Gradient",
    "LogImprovement",
    "Pool",
    "PoolSize",
    "Prefix",
    "Refined",
    "Score",
    "candidates",
    "choose_starts",
    "deepest",
    "eta",
    "expected_improvement",
    "log_acquisition",
    "log_expected_improvement",
    "log_gain_per_spend",
    "log_inverse_cost",
    "log_mean_exp",
    "perturb",
    "refine",
    "sobol_normal",
    "sobol_uniform",
]
