"""Problems by name, or from anybody's file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.problems.protocol import Problem
from benchmarks.problems.synthetic import synthetic
from benchmarks.problems.types import cloud_machines


class UnknownProblem(ValueError):
    """There is no problem of that name, or its file does not give one."""


def _types() -> Problem:
    machines = cloud_machines(parallel={"first": 0.5, "second": 0.9, "third": 0.7})
    return synthetic(share=0.7, machines=machines)


BUILT_IN: dict[str, Callable[[], Problem]] = {
    "synthetic-70": lambda: synthetic(share=0.7),
    "synthetic-85": lambda: synthetic(share=0.85),
    "synthetic-30": lambda: synthetic(share=0.3),
    "synthetic-70-types": _types,
}


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
