"""The parameters of a study: what is searched, and when a parameter is active."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tuner.spec.base import MAX_INTEGER, Integer, Model, Number, Real, Text, Unique

PARAMETER_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]*$"

ParameterName = Annotated[str, Field(min_length=1, max_length=63, pattern=PARAMETER_PATTERN)]
Choice = Annotated[str, Field(min_length=1, max_length=63)]
Whole = Annotated[Integer, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]


class Scale(StrEnum):
    """How a range is searched."""

    LINEAR = "Linear"
    LOG = "Log"


class FloatRange(Model):
    """A real number between two bounds, both included."""

    min: Real
    """The lower bound."""
    max: Real
    """The upper bound."""
    scale: Scale = Scale.LINEAR
    """Log searches orders of magnitude evenly; min must then be above 0."""
    step: Annotated[Real, Field(gt=0)] | None = None
    """Only min, min + step, min + 2 step and so on are tried. Not with scale Log."""


class IntegerRange(Model):
    """A whole number between two bounds, both included."""

    min: Whole
    """The lower bound."""
    max: Whole
    """The upper bound."""
    scale: Scale = Scale.LINEAR
    """Log searches orders of magnitude evenly; min must then be above 0."""
    step: Annotated[Whole, Field(ge=1)] | None = None
    """Only min, min + step, min + 2 step and so on are tried. Not with scale Log."""


class Ordinal(Model):
    """One of several numbers whose order matters, such as batch sizes."""

    values: Annotated[tuple[Number, ...], Field(min_length=1, max_length=64), Unique()]
    """The numbers, rising."""


class Categorical(Model):
    """One of several words without an order."""

    choices: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=64), Unique()]
    """The words."""


class When(Model):
    """The condition under which a parameter is active."""

    parameter: ParameterName
    """A categorical parameter that stands earlier in the list and has no condition itself."""
    in_: Annotated[
        tuple[Choice, ...],
        Field(min_length=1, max_length=64, validation_alias="in", serialization_alias="in"),
        Unique(),
    ]
    """The choices of that parameter with which this one is active."""


class Parameter(Model):
    """One dimension of the search space: exactly one of float, integer, ordinal, categorical."""

    name: ParameterName
    """The parameter's name. Stages see it as --NAME in TUNER_ARGS and as TUNER_PARAM_NAME."""
    description: Text | None = None
    """For people; not used."""
    float_: Annotated[
        FloatRange | None, Field(validation_alias="float", serialization_alias="float")
    ] = None
    """A real number in a range."""
    integer: IntegerRange | None = None
    """A whole number in a range."""
    ordinal: Ordinal | None = None
    """One of several numbers, in order."""
    categorical: Categorical | None = None
    """One of several words."""
    when: When | None = None
    """Makes the parameter active only with some choices of an earlier one."""

    @property
    def domain(self) -> FloatRange | IntegerRange | Ordinal | Categorical:
        """The one of float, integer, ordinal and categorical that is set."""
        for domain in (self.float_, self.integer, self.ordinal, self.categorical):
            if domain is not None:
                return domain
        raise ValueError(f"parameter {self.name} has no domain")


Parameters = Annotated[tuple[Parameter, ...], Field(min_length=1, max_length=64), Unique("name")]
