"""What every model of the API is made of: strictness, scalar types, list and map markers.

A type carries everything that both sides need: pydantic's check and the keywords of the CRD's
schema, so that `tuner.spec.crd` has nothing to add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MAX_INTEGER = 2**53 - 1
"""The largest integer that survives JSON parsers working in doubles."""


class Model(BaseModel):
    """A part of a manifest: frozen, camelCase outside, no field that is not declared."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def _integral(value: object) -> object:
    """Lets 4.0 pass for 4, as the API server does, but neither "4" nor true."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


def _rfc3339(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")


Integer = Annotated[int, BeforeValidator(_integral)]
Real = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]

Number = Annotated[StrictInt | StrictFloat, WithJsonSchema({"type": "number"})]
"""An int stays an int; the API server returns 1.0 as 1, so the search space decides the type."""

Scalar = Annotated[
    StrictInt | StrictFloat | Annotated[str, Field(max_length=256)],
    WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True}),
]
"""A parameter's value: a number or a string. A structural schema has no union of the two."""

Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "maxLength": 40,
            "pattern": r"([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        }
    ),
]
"""RFC 3339 with its zone."""

LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"

Label = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
Subdomain = Annotated[str, Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)]
ShortText = Annotated[str, Field(max_length=253)]
Text = Annotated[str, Field(max_length=1024)]
Message = Annotated[str, Field(max_length=4096)]
LabelKey = Annotated[str, Field(max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]


@dataclass(frozen=True, slots=True)
class ListMap:
    """Marks a list as keyed by one field of its items: no two items share the key."""

    key: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Adds the check for equal keys."""
        return core_schema.no_info_after_validator_function(self._unique, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Adds the keywords by which the API server checks and merges."""
        schema = handler(core)
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = [to_camel(self.key)]
        return schema

    def _unique(self, items: Sequence[Any]) -> Sequence[Any]:
        refuse_duplicates([getattr(item, self.key) for item in items], what=to_camel(self.key))
        return items


@dataclass(frozen=True, slots=True)
class Unique:
    """Marks a list whose order matters and in which nothing occurs twice.

    Kubernetes' own list types `map` and `set` compare without order, so a reordering would slip
    through the rules against changes; the list stays atomic and a CEL rule keeps it unique.

    Attributes:
        key: The field that tells items apart; empty for lists of scalars.
    """

    key: str = ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Adds the check for equal items."""
        return core_schema.no_info_after_validator_function(self._unique, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Adds the same check in CEL."""
        schema = handler(core)
        field = f".{to_camel(self.key)}" if self.key else ""
        schema["x-kubernetes-list-type"] = "atomic"
        schema["x-kubernetes-validations"] = [
            {
                "rule": f"self.all(x, self.exists_one(y, y{field} == x{field}))",
                "message": f"no {self.key or 'item'} may be there twice",
            }
        ]
        return schema

    def _unique(self, items: Sequence[Any]) -> Sequence[Any]:
        keys = [getattr(item, self.key) for item in items] if self.key else items
        refuse_duplicates(keys, what=self.key or "item")
        return items


def refuse_duplicates(values: Sequence[Any], *, what: str) -> None:
    """Raises a pydantic error that names the first value seen twice."""
    seen: set[Any] = set()
    for index, value in enumerate(values):
        if value in seen:
            raise PydanticCustomError(
                "duplicate",
                'no {what} may be there twice: "{value}"',
                {"what": what, "value": str(value), "index": index},
            )
        seen.add(value)
