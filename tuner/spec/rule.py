"""A rule of the API: said once, checked by the API server (CEL) and by Python alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tuner.spec.base import Model
from tuner.spec.problems import Location, Problem, render_path

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where below the rule's node it is broken, and by what.

    Attributes:
        where: Keys and indices below the node.
        message: Names the offender; empty for the rule's own message.
        suggestion: What was probably meant.
    """

    where: Location = ()
    message: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[M]):
    """A condition on one part of a manifest.

    Attributes:
        on: The model whose every instance must keep the rule; CEL calls it `self`.
        message: What the API server says; names the field and the rule.
        check: Finds every place where an instance breaks the rule.
        cel: The same condition in CEL; None where CEL cannot say it within its cost limit, or
            where the schema says it already. The operator then refuses the study with a condition.
        field: The field below the node that the API server names, such as `.fidelity.stage`.
    """

    on: type[M]
    message: str
    check: Callable[[M], Iterable[Finding]]
    cel: str | None = None
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRule(Generic[M]):
    """A condition on a change of one part of a manifest; CEL knows `oldSelf` and `self`."""

    on: type[M]
    message: str
    check: Callable[[M, M], Iterable[Finding]]
    cel: str
    field: str = ""


def nodes(model: Model, location: Location = ()) -> Iterator[tuple[Location, Model]]:
    """Every model in the tree with its location, the root first."""
    yield location, model
    for name, field in type(model).model_fields.items():
        key = field.serialization_alias or field.alias or name
        yield from _below(getattr(model, name), (*location, key))


def _below(value: object, location: Location) -> Iterator[tuple[Location, Model]]:
    if isinstance(value, Model):
        yield from nodes(value, location)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(item, (*location, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _below(item, (*location, index))


def broken(model: Model, rules: Sequence[Rule[Model]]) -> list[Problem]:
    """The problems of a tree of models, in the order of the tree."""
    data = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    return [
        _problem((*location, *finding.where), finding, rule.message, data)
        for location, node in nodes(model)
        for rule in rules
        if type(node) is rule.on
        for finding in rule.check(node)
    ]


def broken_transitions(
    old: Model, new: Model, *, rules: Sequence[TransitionRule[Model]]
) -> list[Problem]:
    """The problems of a change from one tree of models to another."""
    before = dict(nodes(old))
    data = new.model_dump(by_alias=True, mode="json", exclude_none=True)
    return [
        _problem((*location, *finding.where), finding, rule.message, data)
        for location, node in nodes(new)
        for rule in rules
        if type(node) is rule.on and location in before
        for finding in rule.check(before[location], node)
    ]


def _problem(location: Location, finding: Finding, message: str, data: object) -> Problem:
    return Problem(
        path=render_path(location, data),
        message=finding.message or message,
        suggestion=finding.suggestion,
        location=location,
    )
