"""Models of what trials will show and take."""

from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.gp import GaussianProcess, Hyperparameters, Predictor, Prior, fit
from tuner.surrogates.points import Points

__all__ = [
    "FeatureMap",
    "GaussianProcess",
    "Hyperparameters",
    "Inputs",
    "Points",
    "Predictor",
    "Prior",
    "fit",
]
