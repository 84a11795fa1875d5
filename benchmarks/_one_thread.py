"""Processes that a benchmark starts compute in one thread each, whatever the libraries would do."""

from __future__ import annotations

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def one_thread() -> None:
    """Sets what numerical libraries read when they are loaded; child processes inherit it."""
    for variable in VARIABLES:
        os.environ[variable] = "1"
