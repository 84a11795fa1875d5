"""pydantic's errors in the words of this project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tuner.spec.problems import Location, Problem, did_you_mean, render_path


def structural_problems(
    error: ValidationError, *, data: Mapping[str, Any], model: type[BaseModel]
) -> list[Problem]:
    """One problem for each field that has the wrong shape, with a suggestion where one is close."""
    details: dict[Location, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        location = _existing(_precise(detail), data, keep_last=detail["type"] == "missing")
        details.setdefault(location, []).append(detail)
    problems = {
        location: _problem(_chosen(group), location, data, model)
        for location, group in details.items()
    }
    return [problem for problem in problems.values() if not _follows(problem, problems)]


def _chosen(group: list[ErrorDetails]) -> ErrorDetails:
    """The error to show of those at one place: members of a union complain one by one."""
    kinds = {detail["type"]: detail for detail in group}
    if "string_too_long" in kinds:
        return kinds["string_too_long"]
    if len(group) == 1 or not kinds.keys() <= {"int_type", "float_type", "string_type"}:
        return group[0]
    words = "a number or text" if "string_type" in kinds else "a number"
    return {**group[0], "msg": f"Input should be {words}"}


def _follows(problem: Problem, problems: Mapping[Location, Problem]) -> bool:
    """Whether a list only seems too short because items in it are wrong."""
    here = problem.location
    return "at least" in problem.message and any(
        len(other) > len(here) and other[: len(here)] == here for other in problems
    )


def _precise(detail: ErrorDetails) -> Location:
    """The location; of a list with an item twice, the item."""
    if detail["type"] == "duplicate":
        return (*detail["loc"], detail["ctx"]["index"])
    return detail["loc"]


def _existing(location: Location, data: object, *, keep_last: bool) -> Location:
    """The location without the names that pydantic adds for the members of a union."""
    node: Any = data
    for depth, step in enumerate(location):
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return location[: depth + 1] if keep_last else location[:depth]
    return location


def _problem(
    detail: ErrorDetails, location: Location, data: Mapping[str, Any], model: type[BaseModel]
) -> Problem:
    message, suggestion = _words(detail, location, model)
    return Problem(
        path=render_path(location, data),
        message=message,
        suggestion=suggestion,
        location=location,
    )


def _words(detail: ErrorDetails, location: Location, model: type[BaseModel]) -> tuple[str, str]:
    """The message and the suggestion for one of pydantic's errors."""
    given = detail["input"]
    match detail["type"]:
        case "missing":
            return "required", ""
        case "extra_forbidden":
            return "unknown field", did_you_mean(
                str(location[-1]), _fields_at(model, location[:-1])
            )
        case "enum" | "literal_error":
            expected = str(detail["ctx"]["expected"]).replace("'", "")
            known = expected.replace(" or ", ", ").split(", ")
            return f'"{given}" should be {expected}', did_you_mean(str(given), known)
        case "string_pattern_mismatch":
            return f'"{given}" should match {detail["ctx"]["pattern"]}', ""
        case _:
            message = detail["msg"].removeprefix("Input ").removeprefix("Tuple ")
            return message.replace(" after validation", "").replace("tuple", "list"), ""


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """The names of the fields that the model at a location has."""
    here: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int):
            continue
        field = None if here is None else _by_alias(here).get(step)
        here = None if field is None else _model_in(field)
    return [] if here is None else list(_by_alias(here))


def _by_alias(model: type[BaseModel]) -> dict[str, Any]:
    return {
        str(field.validation_alias or field.alias or name): field.annotation
        for name, field in model.model_fields.items()
    }


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
