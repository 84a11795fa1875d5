"""The command line that benchmarks share: --problem, --data, --seeds, --quick."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.problems.protocol import Problem
from benchmarks.problems.registry import load

DATA = "TUNER_BENCHMARK_DATA"


def default_data() -> Path:
    """Where recorded data of others lie: $TUNER_BENCHMARK_DATA, else beside the repository."""
    return Path(os.environ.get(DATA) or Path(__file__).parents[2] / "shared" / "data")


def parser(
    description: str | None, *, problems: Sequence[str], seeds: int
) -> argparse.ArgumentParser:
    """A parser with the common options.

    Args:
        description: Of the benchmark; its module's docstring.
        problems: Default names.
        seeds: Default number of seeds.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--problem",
        action="append",
        metavar="NAME",
        help=f"a known problem or FILE.py:FUNCTION; may be repeated ({', '.join(problems)})",
    )
    made.add_argument("--data", type=Path, default=default_data(), help="folder of the data")
    made.add_argument("--seeds", type=int, default=seeds, metavar="N", help="runs of each method")
    made.add_argument("--quick", action="store_true", help="see that it runs; figures mean nothing")
    made.set_defaults(problems=list(problems))
    return made


def chosen(options: argparse.Namespace) -> list[Problem]:
    """The problems that the command line asks for."""
    return [load(name) for name in options.problem or options.problems]
