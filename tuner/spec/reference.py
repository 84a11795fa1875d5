"""The reference of the API as Markdown, made from the same schemas as the CRDs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

INTRODUCTION = """\
# API reference

Made by `python -m tuner.spec.crd --docs docs/crd-reference.md` from the models in `tuner/spec`; do
not edit. Group `tuner.dev`, version `v1alpha1`. Fields in bold are required. Every rule below a
table is checked by the API server; `tuner validate` checks the same ones and names the offender.
"""

_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} or more characters",
    "maxLength": "up to {} characters",
    "minItems": "{} or more items",
    "maxItems": "up to {} items",
    "maxProperties": "up to {} entries",
}


def reference(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole document.

    Args:
        schemas: The structural schema of each kind, by its name.
    """
    parts = [INTRODUCTION]
    for kind, schema in schemas.items():
        parts.append(f"## {kind}\n\n{schema['description']}\n")
        parts += _rules(schema)
        for name in ("spec", "status"):
            parts += _sections(schema["properties"][name], name)
    return "\n".join(parts)


def _sections(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """A table for an object and, after it, one for each object below it."""
    yield f"### {path}\n\n{schema.get('description', '')}\n"
    rows = [_row(name, child, schema) for name, child in schema["properties"].items()]
    yield "\n".join(["| field | type | meaning |", "|---|---|---|", *rows, ""])
    yield from _rules(schema)
    for name, child in schema["properties"].items():
        nested, suffix = _nested(child)
        if nested is not None:
            yield from _sections(nested, f"{path}.{name}{suffix}")


def _nested(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    if "properties" in schema:
        return schema, ""
    if "properties" in schema.get("items", {}):
        return schema["items"], "[]"
    return None, ""


def _row(name: str, schema: Mapping[str, Any], parent: Mapping[str, Any]) -> str:
    shown = f"**`{name}`**" if name in parent.get("required", ()) else f"`{name}`"
    meaning = " ".join([schema.get("description", ""), *_remarks(schema)]).strip()
    return f"| {shown} | {_type(schema)} | {meaning} |".replace("\n", " ")


def _type(schema: Mapping[str, Any]) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "number or string"))


def _remarks(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield f"One of {', '.join(schema['enum'])}."
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    if bounds:
        yield f"{', '.join(bounds).capitalize()}."
    default = schema.get("default")
    if default is not None and not isinstance(default, Mapping):
        yield f"Default: {str(default).lower() if isinstance(default, bool) else default}."


def _rules(schema: Mapping[str, Any]) -> Iterator[str]:
    lists = [
        (f"`{name}`: ", child.get("x-kubernetes-validations", ()))
        for name, child in schema["properties"].items()
        if child.get("type") == "array"
    ]
    rules = [("", schema.get("x-kubernetes-validations", ())), *lists]
    lines = [f"- {prefix}{rule['message']}" for prefix, group in rules for rule in group]
    if lines:
        yield "\n".join([*dict.fromkeys(lines), ""])
