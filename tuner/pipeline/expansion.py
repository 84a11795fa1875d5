"""Expansion of `$(NAME)`, by the rules of Kubernetes, with TUNER_ names strict."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from tuner.errors import PipelineError

ARGUMENTS = "TUNER_ARGS"

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^()]*)\))")


def expand(text: str, *, values: Mapping[str, str], where: str) -> str:
    """Substitutes references; `$$` becomes `$`, unknown names stay as they are.

    Args:
        text: A command's element or a variable's value.
        values: What may be referred to.
        where: Names the text in errors, such as `stage train`.

    Raises:
        PipelineError: An unknown name that begins with TUNER_.
    """

    def substitute(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["name"]
        if name in values:
            return values[name]
        if name.startswith("TUNER_"):
            raise PipelineError(f"{where}: $({name}) is not defined for this stage.")
        return match[0]

    return _REFERENCE.sub(substitute, text)


def expand_command(
    command: Sequence[str], *, arguments: Sequence[str], values: Mapping[str, str], where: str
) -> tuple[str, ...]:
    """Expands a command; an element that is `$(TUNER_ARGS)` becomes one element per parameter.

    Within a longer element TUNER_ARGS stands for the same words, quoted for a shell.

    Raises:
        PipelineError: An unknown name that begins with TUNER_.
    """
    known = {**values, ARGUMENTS: shlex.join(arguments)}

    def elements() -> Iterator[str]:
        for element in command:
            if element == f"$({ARGUMENTS})":
                yield from arguments
            else:
                yield expand(element, values=known, where=where)

    return tuple(elements())


def references(text: str) -> tuple[str, ...]:
    """The names that a text refers to, in order; escaped ones are left out."""
    return tuple(match["name"] for match in _REFERENCE.finditer(text) if match["name"] is not None)
