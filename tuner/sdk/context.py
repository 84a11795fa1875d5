"""The trial that this process runs in, as its environment tells."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

STANDALONE = Path("tuner-out")
"""Where a script that runs by itself finds its folders."""


class Parameters(SimpleNamespace):
    """A trial's parameters as attributes and, for names that are no identifiers, as items.

    Example:
        >>> p = Parameters(lr=0.1)
        >>> p.lr, p["lr"], p.get("momentum", 0.9)
        (0.1, 0.1, 0.9)
    """

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def __contains__(self, name: object) -> bool:
        return name in vars(self)

    def keys(self) -> Iterable[str]:
        """The parameters' names; with it `**parameters` works."""
        return vars(self).keys()

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter, or `default` if it is not active or not this stage's."""
        return vars(self).get(name, default)


def in_trial() -> bool:
    """Whether this process is a stage of a trial."""
    return "TUNER_REPORTS" in os.environ


def parameters(**defaults: Any) -> Parameters:
    """The stage's declared, active parameters, typed as in the study.

    Args:
        defaults: Values of those that are not active, and of all outside of a trial.

    Example:
        >>> tuner.parameters(lr=0.01, layers=2).lr  # doctest: +SKIP
        0.01
    """
    path = os.environ.get("TUNER_PARAMETERS")
    given = {} if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
    return Parameters(**{**defaults, **given})


def checkpoint_dir() -> Path:
    """A folder that is kept across attempts and pauses; what is in it is where to go on from.

    Write a file under another name and rename it: a checkpoint may be saved at any instant.
    """
    return _folder("TUNER_CHECKPOINT_DIR", "checkpoint")


def output_dir() -> Path:
    """The folder whose content becomes this stage's artifact."""
    return _folder("TUNER_OUTPUT_DIR", "output")


def stage_dir(stage: str) -> Path:
    """The artifact of an earlier stage.

    Raises:
        KeyError: In a trial, if there is no such stage before this one.
    """
    if not in_trial():
        return STANDALONE / stage
    return Path(os.environ[f"TUNER_STAGE_{_variable(stage)}_DIR"])


def input_dir(name: str) -> Path:
    """Where an input of the study is; for inputs whose address is a path.

    Raises:
        KeyError: In a trial, if the stage does not declare the input.
    """
    if not in_trial():
        return Path(os.environ.get(f"TUNER_INPUT_{_variable(name)}", name))
    return Path(os.environ[f"TUNER_INPUT_{_variable(name)}"])


def fidelity(default: float = 1.0) -> float:
    """How far to train at most, in the study's fidelity; `default` where there is none."""
    return float(os.environ.get("TUNER_FIDELITY", default))


def _folder(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable, STANDALONE / name))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
