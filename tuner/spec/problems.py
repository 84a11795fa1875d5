"""What is wrong with a manifest, and how it is said."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Location = tuple[str | int, ...]
"""Keys and indices from the manifest's root to a value."""

_LABELS = ("name", "metric", "type", "key", "mountPath")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One broken rule.

    Attributes:
        path: The field, list items by name: `spec.pipeline.stages[train].parameters`.
        message: What is wrong, naming the offender.
        suggestion: What was probably meant, or what to use instead; may be empty.
        file: Where the manifest was read from; empty if it was not read from a file.
        line: 1-based line in that file; 0 if unknown.
        location: The field as keys and indices.
    """

    path: str
    message: str
    suggestion: str = ""
    file: str = ""
    line: int = 0
    location: Location = ()

    def __str__(self) -> str:
        """`FILE:LINE PATH: MESSAGE; SUGGESTION`, what is unknown left out."""
        place = f"{self.file}:{self.line} " if self.file else ""
        field = f"{self.path}: " if self.path else ""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}{field}{self.message}{hint}"


def did_you_mean(word: str, known: Iterable[str], *, before: str = "") -> str:
    """`did you mean "batch_size"?`, or nothing if no known word is close.

    Args:
        word: What was written.
        known: What could have been written.
        before: Put before the suggestion.
    """
    folded = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f'did you mean "{before}{folded[close[0]]}"?' if close else ""


def render_path(location: Location, data: object) -> str:
    """The location as text; an item of a list is shown by its name where it has one."""
    text, node = "", data
    for step in location:
        node = _descend(node, step)
        if isinstance(step, int):
            text += f"[{_label(node, step)}]"
        else:
            text += f".{step}" if text else step
    return text


def _descend(node: object, step: str | int) -> object:
    if isinstance(step, int):
        is_item = isinstance(node, Sequence) and not isinstance(node, str) and step < len(node)
        return node[step] if is_item and isinstance(node, Sequence) else None
    return node.get(step) if isinstance(node, Mapping) else None


def _label(item: object, index: int) -> str:
    if isinstance(item, Mapping):
        for key in _LABELS:
            if isinstance(item.get(key), str):
                return str(item[key])
    return str(index)
