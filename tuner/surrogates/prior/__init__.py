"""What earlier studies teach a new one: a portfolio to start with, and a calibrated prior.

`pretrain` turns studies into a `Prior`. For each output it holds the tasks' moments with a learnt
residual (`moments`) and a pre-trained network (`network`), on a scale that tasks share (`margins`);
on a new study they are weighed against no transfer by what they would have predicted (`evidence`).
"""

from tuner.surrogates.prior.output import PriorPredictor
from tuner.surrogates.prior.pretraining import pretrain, training_key
from tuner.surrogates.prior.prior import VERSION, Prior, describe
from tuner.surrogates.prior.storage import decode_prior, encode_prior
from tuner.surrogates.prior.studies import (
    SourceObservation,
    SourceStudy,
    SourceTrial,
    stage_seconds,
)

__all__ = [
    "VERSION",
    "Prior",
    "PriorPredictor",
    "SourceObservation",
    "SourceStudy",
    "SourceTrial",
    "decode_prior",
    "describe",
    "encode_prior",
    "pretrain",
    "stage_seconds",
    "training_key",
]
