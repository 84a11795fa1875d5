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
        at: The offender itself, where it stands below `where`; its line is shown.
    """

    where: Location = ()
    message: str = ""
    suggestion: str = ""
    at: Location = ()


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


def exactly_one(on: type[M], *fields: str) -> Rule[M]:
    """The rule that one of these fields is set, and no other of them."""
    return _counted(on, fields, allowed=(1,), message=f"exactly one of {', '.join(fields)}")


def at_most_one(on: type[M], *fields: str) -> Rule[M]:
    """The rule that no two of these fields are set."""
    return _counted(on, fields, allowed=(0, 1), message=f"at most one of {', '.join(fields)}")


def _counted(
    on: type[M], fields: Sequence[str], *, allowed: Sequence[int], message: str
) -> Rule[M]:
    names = [name for name, key in keys(on).items() if key in fields]

    def check(node: M) -> Iterator[Finding]:
        if sum(getattr(node, name) is not None for name in names) not in allowed:
            yield Finding()

    present = ", ".join(f"has(self.{field})" for field in fields)
    return Rule(
        on=on,
        message=message,
        cel=f"[{present}].filter(x, x).size() <= 1"
        if 0 in allowed
        else f"[{present}].filter(x, x).size() == 1",
        check=check,
    )


def keys(model: type[Model]) -> dict[str, str]:
    """The manifest's name of each field of a model, by the name in Python."""
    return {
        name: str(field.serialization_alias or field.alias or name)
        for name, field in model.model_fields.items()
    }


def nodes(model: Model, location: Location = ()) -> Iterator[tuple[Location, Model]]:
    """Every model in the tree with its location, the root first."""
    yield location, model
    for name, key in keys(type(model)).items():
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
        _problem(location, finding, rule.message, data)
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
        _problem(location, finding, rule.message, data)
        for location, node in nodes(new)
        for rule in rules
        if type(node) is rule.on and location in before
        for finding in rule.check(before[location], node)
    ]


def _problem(location: Location, finding: Finding, message: str, data: object) -> Problem:
    return Problem(
        path=render_path((*location, *finding.where), data),
        message=finding.message or message,
        suggestion=finding.suggestion,
        location=(*location, *(finding.at or finding.where)),
    )
