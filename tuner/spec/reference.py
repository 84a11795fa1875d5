"""The reference of the API as Markdown, made from the same schemas as the CRDs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.spec.quantities import DURATION_PATTERN

Schema = Mapping[str, Any]

INTRODUCTION = """\
# API reference

Made by `python -m tuner.spec.crd` from the models in `tuner/spec`; do not edit. Group `tuner.dev`,
version `v1alpha1`. Fields in bold are required. The API server checks every rule below a table;
`tuner validate` checks the same ones, and names the line, the offender and what was probably meant.
"""

_UNITS = {"Length": "characters", "Items": "items", "Properties": "entries", "imum": ""}
_WITH_A_FORM = ("duration", "quantity", "time")
"""Types whose length says nothing."""

_PLURALS = {
    "integer": "integers",
    "number": "numbers",
    "number or string": "numbers or strings",
    "object": "objects",
    "quantity": "quantities",
    "string": "strings",
}


def reference(schemas: Mapping[str, Schema]) -> str:
    """The whole document.

    Args:
        schemas: The structural schema of each kind, by its name.
    """
    parts = [INTRODUCTION]
    for kind, schema in schemas.items():
        parts.append(f"## {kind}\n\n{schema['description']}\n")
        parts += _rules(schema)
        writer = _Writer()
        for name in ("spec", "status"):
            parts += writer.sections(schema["properties"][name], f"{kind}.{name}")
    return "\n".join(parts)


class _Writer:
    """Writes a table for every object of one kind; one that occurs again is referred to."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def sections(self, schema: Schema, path: str) -> Iterator[str]:
        """The table of an object, and those of the objects below it."""
        self._known[_identity(schema)] = path
        nested = list(self._nested(schema, path))
        yield f"### {path}\n\n{schema.get('description', '')}\n"
        rows = [
            _row(name, child, required=name in schema.get("required", ()), note=self._note(child))
            for name, child in schema["properties"].items()
        ]
        yield "\n".join(["| field | type | meaning |", "|---|---|---|", *rows, ""])
        yield from _rules(schema)
        for child, below in nested:
            if self._known[_identity(child)] == below:
                yield from self.sections(child, below)

    def _nested(self, schema: Schema, path: str) -> Iterator[tuple[Schema, str]]:
        for name, child in schema["properties"].items():
            inner = _object_in(child)
            if inner is not None:
                below = f"{path}.{name}{'[]' if 'items' in child else ''}"
                self._known.setdefault(_identity(inner), below)
                yield inner, below

    def _note(self, schema: Schema) -> str:
        inner = _object_in(schema)
        return f"See `{self._known[_identity(inner)]}`." if inner is not None else ""


def _identity(schema: Schema) -> str:
    return json.dumps([schema["properties"], schema.get("required")], sort_keys=True)


def _object_in(schema: Schema) -> Schema | None:
    """The object that a field holds, or each item of its list."""
    inner = schema.get("items", schema)
    return inner if "properties" in inner else None


def _row(name: str, schema: Schema, *, required: bool, note: str) -> str:
    shown = f"**`{name}`**" if required else f"`{name}`"
    words = [schema.get("description", ""), *_remarks(schema), note]
    return f"| {shown} | {_type(schema)} | {' '.join(filter(None, words))} |".replace("\n", " ")


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("type") == "array":
        return f"list of {_PLURALS[_type(schema['items'])]}"
    if "additionalProperties" in schema:
        return f"map of {_PLURALS[_type(schema['additionalProperties'])]}"
    if schema.get("format") == "date-time":
        return "time"
    if schema.get("pattern") == DURATION_PATTERN:
        return "duration"
    return str(schema.get("type", "number or string"))


def _remarks(schema: Schema) -> Iterator[str]:
    if "enum" in schema:
        yield f"One of {', '.join(schema['enum'])}."
    if _type(schema) not in _WITH_A_FORM:
        for measure, unit in _UNITS.items():
            bounds = _bounds(schema, measure)
            if bounds:
                yield f"{bounds} {unit}".strip().capitalize() + "."
    default = schema.get("default")
    if default is not None and not isinstance(default, Mapping):
        yield f"Default: {str(default).lower() if isinstance(default, bool) else default}."


def _bounds(schema: Schema, measure: str) -> str:
    low, high = schema.get(f"min{measure}"), schema.get(f"max{measure}")
    if low is None and high is None:
        return ""
    if high is None:
        return f"above {low}" if schema.get("exclusiveMinimum") else f"at least {low}"
    return f"up to {high}" if low is None else f"{low} to {high}"


def _rules(schema: Schema) -> Iterator[str]:
    lists = [
        (f"`{name}`: ", child.get("x-kubernetes-validations", ()))
        for name, child in schema["properties"].items()
        if child.get("type") == "array"
    ]
    rules = [("", schema.get("x-kubernetes-validations", ())), *lists]
    lines = [f"- {prefix}{rule['message']}" for prefix, group in rules for rule in group]
    if lines:
        yield "\n".join([*dict.fromkeys(lines), ""])
