"""The command line of the recordings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks._arguments import default_data
from benchmarks.recordings._nested import Recording, record

HERE = Path(__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(recording: Callable[[Path], Recording]) -> None:
    """Records and writes; refuses more than one thread, whose CPU seconds would say nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of the data")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the recording")
    parser.add_argument("--quick", action="store_true", help="a tenth of it, one run a stage")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):
        sys.exit(f"set {' and '.join(f'{name}=1' for name in THREADS)}")
    record(
        recording(options.data),
        folder=options.out,
        repeats=1 if options.quick else 3,
        shrink=10 if options.quick else 1,
    )
