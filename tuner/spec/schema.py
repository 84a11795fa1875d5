"""From models to the structural schemas that the API server takes.

pydantic describes a model with references, unions with null and titles; a CRD wants one nested
schema without them. What is dropped is said at each place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.spec.base import Model
from tuner.spec.rule import Rule, TransitionRule
from tuner.spec.rules import RULES, TRANSITION_RULES

Schema = dict[str, Any]

_PASSED_ON = (
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
)
_METADATA_PASSED_BY = ("apiVersion", "kind", "metadata")


def object_schema(model: type[Model]) -> Schema:
    """The structural schema of one kind, its rules included.

    The API server describes `metadata` itself; apiVersion and kind are text to it.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    schema = _Converter(document.get("$defs", {})).convert(document | {"$name": model.__name__})
    for name in _METADATA_PASSED_BY:
        schema["properties"][name] = _header(name)
    schema["required"] = ["spec"]
    return schema


def _header(name: str) -> Schema:
    if name == "metadata":
        return {"type": "object"}
    described = {
        "apiVersion": "Group and version of this kind: tuner.dev/v1alpha1.",
        "kind": "This kind's name.",
    }
    return {"type": "string", "description": described[name]}


class _Converter:
    """Walks one document; definitions are put in where they are referred to."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def convert(self, source: Mapping[str, Any]) -> Schema:
        """The structural schema of one node."""
        source = self._resolved(source)
        target: Schema = {}
        for key in ("description", "default"):
            if source.get(key) is not None:
                target[key] = _without_nulls(source[key])
        if "enum" in source:
            target |= {"type": "string", "enum": list(source["enum"])}
            return target
        if "type" in source:
            target["type"] = source["type"]
        target |= {key: source[key] for key in _PASSED_ON if key in source}
        target |= {key: source[key] for key in source if key.startswith("x-kubernetes-")}
        self._exclusive(source, target)
        self._children(source, target)
        return target

    def _resolved(self, source: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without the union with null (absence says it) and without the reference."""
        own = {key: value for key, value in source.items() if key not in ("anyOf", "$ref")}
        if "anyOf" in source:
            (kind,) = (option for option in source["anyOf"] if option.get("type") != "null")
            return self._resolved({**kind, **own})
        if "$ref" in source:
            name = str(source["$ref"]).rpartition("/")[2]
            return self._resolved({**self._definitions[name], "$name": name, **own})
        return own

    def _exclusive(self, source: Mapping[str, Any], target: Schema) -> None:
        """JSON Schema's number beside `exclusiveMinimum` is a flag in OpenAPI 3.0."""
        for bound in ("minimum", "maximum"):
            exclusive = f"exclusive{bound.capitalize()}"
            if exclusive in source:
                target[bound] = source[exclusive]
                target[exclusive] = True

    def _children(self, source: Mapping[str, Any], target: Schema) -> None:
        if source.get("type") == "integer":
            target.setdefault("format", "int64")
        if "items" in source:
            target["items"] = self.convert(source["items"])
        if "properties" in source:
            self._object(source, target)
        elif source.get("type") == "object":
            self._map(source, target)

    def _object(self, source: Mapping[str, Any], target: Schema) -> None:
        """Undeclared fields are pruned, so `additionalProperties: false` is not needed."""
        target["properties"] = {
            name: self.convert(child) for name, child in source["properties"].items()
        }
        if source.get("required"):
            target["required"] = sorted(source["required"])
        if source.get("additionalProperties") is True:
            target["x-kubernetes-preserve-unknown-fields"] = True
        validations = _validations(str(source.get("$name", "")))
        if validations:
            target["x-kubernetes-validations"] = validations

    def _map(self, source: Mapping[str, Any], target: Schema) -> None:
        """The API server cannot check the keys of a map by pattern; Python does."""
        values = source.get("additionalProperties")
        if not isinstance(values, Mapping):
            patterns = source.get("patternProperties", {})
            values = next(iter(patterns.values()), {"type": "string"})
        target["additionalProperties"] = self.convert(values)


def _without_nulls(default: Any) -> Any:
    """A default as the API server takes it: what is not set is left out."""
    if not isinstance(default, Mapping):
        return default
    return {key: _without_nulls(value) for key, value in default.items() if value is not None}


def _validations(name: str) -> list[Schema]:
    rules: list[Rule[Any] | TransitionRule[Any]] = [*RULES, *TRANSITION_RULES]
    return [
        {
            "rule": rule.cel,
            "message": rule.message,
            **({"fieldPath": rule.field} if rule.field else {}),
        }
        for rule in rules
        if rule.on.__name__ == name and rule.cel is not None
    ]
