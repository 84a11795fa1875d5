"""Tuning of machine-learning pipelines; for a stage's own code, the SDK.

Needs the standard library only:

    import tuner

    p = tuner.parameters(lr=0.01)
    for epoch in range(1, 28):
        ...
        tuner.report(val_error=error, epoch=epoch)
"""

from __future__ import annotations

from tuner.errors import TrialStopped
from tuner.sdk import (
    checkpoint_dir,
    fidelity,
    in_trial,
    input_dir,
    output_dir,
    parameters,
    report,
    stage_dir,
    stop_requested,
)

__all__ = [
    "TrialStopped",
    "checkpoint_dir",
    "fidelity",
    "in_trial",
    "input_dir",
    "output_dir",
    "parameters",
    "report",
    "stage_dir",
    "stop_requested",
]
