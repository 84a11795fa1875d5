"""Reports: one JSON line each, appended with a single write."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import SupportsFloat, TypeAlias

from tuner.errors import TrialStopped
from tuner.sdk.stopping import install, stop_requested

Number: TypeAlias = SupportsFloat
"""Anything that float() takes: numbers, numpy scalars, tensors of one element."""


def report(metrics: Mapping[str, Number] | None = None, /, **more: Number) -> None:
    """Reports metrics, and how far the stage has got under the name of the study's fidelity.

    Of several processes of a stage, one reports. Outside of a trial the report is printed.

    Args:
        metrics: Values by metric, for names that are no identifiers, such as `val/loss`.
        more: Values by metric.

    Raises:
        TrialStopped: The stage was told to stop; the report is written nevertheless.

    Example:
        >>> tuner.report({"val/loss": 0.3}, epoch=4)  # doctest: +SKIP
    """
    install()
    values = {name: float(value) for name, value in {**(metrics or {}), **more}.items()}
    line = json.dumps(values)
    path = os.environ.get("TUNER_REPORTS")
    if path is None:
        print(line, flush=True)
    else:
        # One write of a file opened to append: lines of several processes do not mix.
        with open(path, "ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
    if stop_requested():
        raise TrialStopped("told to stop: the trial was stopped, paused or taken away")
