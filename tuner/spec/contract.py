"""The names that a stage finds in its environment (the stage contract)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tuner.spec.problems import did_you_mean

PREFIX: Final = "TUNER_"
"""Variables with this prefix are ours; users may not set them."""

ARGS: Final = "TUNER_ARGS"
"""Stands in command and args for `--NAME=VALUE` of every declared, active parameter."""

FIDELITY: Final = "TUNER_FIDELITY"
"""How far to train at most; known to the fidelity stage alone."""

CONTEXT: Final = (
    "TUNER_PARAMETERS",
    "TUNER_REPORTS",
    "TUNER_CHECKPOINT_DIR",
    "TUNER_OUTPUT_DIR",
    "TUNER_STUDY",
    "TUNER_TRIAL",
    "TUNER_STAGE",
    "TUNER_INSTANCE_TYPE",
    "TUNER_PRICE_PER_HOUR",
    "TUNER_SEED",
)
"""Known to every stage."""

FAMILIES: Final = (f"{PREFIX}PARAM_", f"{PREFIX}INPUT_", f"{PREFIX}STAGE_")
"""Beginnings of the names that depend on the study."""

STORE_SECRET: Final = "tuner-object-store"
"""The default name of the Secret with the object store's credentials."""

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^()]*)\))")


def variable_name(name: str) -> str:
    """A name in upper case, everything but letters and digits as `_`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def parameter_variable(name: str) -> str:
    """The variable that holds a parameter's value."""
    return f"{PREFIX}PARAM_{variable_name(name)}"


def input_variable(name: str) -> str:
    """The variable that holds where an input is."""
    return f"{PREFIX}INPUT_{variable_name(name)}"


def stage_variable(name: str) -> str:
    """The variable that holds the folder of an earlier stage's artifact."""
    return f"{PREFIX}STAGE_{variable_name(name)}_DIR"


def suggest_variable(name: str, known: Iterable[str]) -> str:
    """A suggestion among the known variables of the same family, their beginning left aside."""
    family = next((family for family in FAMILIES if name.startswith(family)), PREFIX)
    endings = [other.removeprefix(family) for other in known if other.startswith(family)]
    return did_you_mean(name.removeprefix(family), endings, before=family)


def references(text: str) -> list[str]:
    """The names of ours that a text refers to as `$(TUNER_...)`; `$$(...)` is no reference."""
    names = (match["name"] for match in _REFERENCE.finditer(text))
    return [name for name in names if name is not None and name.startswith(PREFIX)]
