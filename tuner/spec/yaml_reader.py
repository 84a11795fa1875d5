"""YAML as kubectl reads it, with the line of every value.

kubectl turns YAML into JSON with the rules of YAML 1.1 as Go's yaml package knows them: `yes`, `on`
and `y` are booleans, `1e-5` is a number (PyYAML alone reads text), timestamps and `12:30` are text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tuner.errors import ManifestError
from tuner.spec.problems import Location

_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_WHOLE = 1e21
"""Beyond it JSON shows exponents, and a float stays a float."""

MAX_VALUES = 100_000
"""A document that expands to more values is refused: aliases can multiply without bound."""

_INT = re.compile(r"[-+]?(0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|[1-9][0-9]*|0)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TRUE = ("y", "yes", "true", "on")
_FALSE = ("n", "no", "false", "off")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{form: True for word in _TRUE for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in _FALSE for form in (word, word.capitalize(), word.upper())},
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(slots=True)
class Document:
    """One YAML document: its value, and the 1-based line of each location in it."""

    value: Any
    lines: dict[Location, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Leaves plain scalars untyped; they are resolved below."""

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """A scalar; the tag `!` alone says that it is text, which PyYAML forgets."""
        says_text = self.peek_event().tag == "!"  # type: ignore[no-untyped-call]
        node = super().compose_scalar_node(anchor)
        if says_text:
            node.tag = _TEXT
        return node

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node without one; plain scalars get one of their own."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return "tag:yaml.org,2002:seq" if kind is yaml.SequenceNode else "tag:yaml.org,2002:map"


def read_documents(text: str, *, source: str) -> Iterator[Document]:
    """The documents of a YAML stream; empty ones are left out.

    Raises:
        ManifestError: The text is not YAML, a key occurs twice, or aliases expand without bound.
    """
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            builder = _Builder(source)
            value = builder.build(node, ())
            if value is not None:
                yield Document(value, builder.lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        what = getattr(error, "problem", None) or str(error)
        raise ManifestError(f"{source}:{line} not YAML: {what}") from error


class _Builder:
    """Turns one document's nodes into values and notes their lines."""

    def __init__(self, source: str) -> None:
        self.lines: dict[Location, int] = {}
        self._source = source
        self._count = 0

    def build(self, node: yaml.Node, location: Location) -> Any:
        """The value of a node."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise self._error(node, "too many values")
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*location, i)) for i, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key == "<<":
                merged.append(value_node)
                continue
            if key in result:
                raise self._error(key_node, f'key "{key}" is there twice')
            self.lines[(*location, key)] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, (*location, key))
        for value_node in merged:
            for source in value_node.value if _is_sequence(value_node) else [value_node]:
                base = self.build(source, location)
                result = {**base, **result}
        return result

    def _key(self, node: yaml.Node) -> str:
        value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise self._error(node, "a key must be text")
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def _error(self, node: yaml.Node, message: str) -> ManifestError:
        return ManifestError(f"{self._source}:{node.start_mark.line + 1} {message}")


def _is_sequence(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode)


def _scalar(node: yaml.Node) -> Any:
    return resolve(str(node.value)) if node.tag == _PLAIN else str(node.value)


def resolve(text: str) -> Any:
    """The value of a plain scalar, as kubectl sends it: 1.0 arrives as 1."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    digits = text.replace("_", "") if text[0] in "+-0123456789" else text
    if _INT.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits) and math.isfinite(float(digits)):
        return _number(float(digits))
    return text


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < _WHOLE else value


def _integer(text: str) -> int | float:
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    value = int(f"{sign}0o{digits[1:]}", 8) if octal else int(sign + digits, 0)
    return value if -(2**63) <= value < 2**64 else float(value)
