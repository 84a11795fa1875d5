"""A trial, what was seen of it, and the words for how it stands.

Pure values shared by every layer above: no I/O, no third party.
"""

from tuner.trial.values import (
    Command,
    Observation,
    Outcome,
    ParameterValue,
    StageOutcome,
    StageResult,
    Trial,
    TrialResult,
    trial_name,
)

__all__ = [
    "Command",
    "Observation",
    "Outcome",
    "ParameterValue",
    "StageOutcome",
    "StageResult",
    "Trial",
    "TrialResult",
    "trial_name",
]
