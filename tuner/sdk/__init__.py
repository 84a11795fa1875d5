"""What a stage's own code may use: reports, parameters and folders of the trial it runs in.

Standard library only. Outside of a trial everything works as well: reports are printed, folders
are made below the working directory, so that a script runs by itself.
"""

from __future__ import annotations

from tuner.sdk.context import (
    checkpoint_dir,
    fidelity,
    in_trial,
    input_dir,
    output_dir,
    parameters,
    stage_dir,
)
from tuner.sdk.reporting import report
from tuner.sdk.stopping import stop_requested

__all__ = [
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
