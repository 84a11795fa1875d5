"""Problems by name, or from anybody's file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from benchmarks.problems.protocol import Problem
from benchmarks.problems.replay import read_replay
from benchmarks.problems.synthetic import synthetic
from benchmarks.problems.types import cloud_machines


class UnknownProblem(ValueError):
    """There is no problem of that name, or its file does not give one."""


SYNTHETIC_PARALLEL = {"first": 0.5, "second": 0.9, "third": 0.7}
TEXT_PARALLEL = {"features": 0.3, "reduction": 0.8, "classifier": 0.5}
TORCH_PARALLEL = {"augment": 0.5, "pretrain": 0.1, "finetune": 0.1, "compress": 0.3}
TORCH_ACCELERATED = {"pretrain": 0.85, "finetune": 0.8, "compress": 0.3}

BUILT_IN: dict[str, Callable[[], Problem]] = {
    "synthetic-70": lambda: synthetic(share=0.7),
    "synthetic-85": lambda: synthetic(share=0.85),
    "synthetic-30": lambda: synthetic(share=0.3),
    "synthetic-70-types": lambda: synthetic(
        share=0.7, machines=cloud_machines(parallel=SYNTHETIC_PARALLEL)
    ),
    "text": lambda: read_replay("text"),
    "stacking": lambda: read_replay("stacking"),
    "torch": lambda: read_replay("torch", fidelity=False),
    "auto-text": lambda: read_replay(
        "text", name="auto-text", machines=cloud_machines(parallel=TEXT_PARALLEL)
    ),
    "auto-torch": lambda: read_replay(
        "torch",
        name="auto-torch",
        machines=cloud_machines(parallel=TORCH_PARALLEL, accelerated=TORCH_ACCELERATED),
    ),
}


@lru_cache
def load(name: str) -> Problem:
    """The problem of that name, or of `FILE.py:FUNCTION`, which takes no arguments.

    Raises:
        UnknownProblem: There is none.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    file, _, function = name.rpartition(":")
    if not file.endswith(".py"):
        known = ", ".join(BUILT_IN)
        raise UnknownProblem(f"{name}: not one of {known}, and not FILE.py:FUNCTION")
    return _from_file(Path(file), function)


def _from_file(path: Path, function: str) -> Problem:
    spec = importlib.util.spec_from_file_location(f"problem_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UnknownProblem(f"{path}: there is no such file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    factory = getattr(module, function, None)
    if factory is None:
        raise UnknownProblem(f"{path} has no function {function}")
    problem: Problem = factory()
    missing = [one for one in ("declared", "seconds", "metrics") if not hasattr(problem, one)]
    if missing:
        raise UnknownProblem(f"{path}:{function} gives something without {', '.join(missing)}")
    return problem
