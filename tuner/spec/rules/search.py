"""Rules of the search space: ranges, conditions, names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tuner.spec.contract import parameter_variable
from tuner.spec.parameters import (
    FloatRange,
    IntegerRange,
    Ordinal,
    Parameter,
    Scale,
)
from tuner.spec.problems import did_you_mean
from tuner.spec.rule import Finding, Rule, exactly_one
from tuner.spec.study import TuningStudySpec


def _not_rising(node: FloatRange | IntegerRange) -> Iterator[Finding]:
    if node.min >= node.max:
        yield Finding(message=f"min must be below max, but {node.min:g} >= {node.max:g}")


def _log_of_nothing(node: FloatRange | IntegerRange) -> Iterator[Finding]:
    if node.scale is Scale.LOG and node.min <= 0:
        yield Finding(where=("min",), message="scale Log needs min above 0")


def _log_steps(node: FloatRange | IntegerRange) -> Iterator[Finding]:
    if node.scale is Scale.LOG and node.step is not None:
        yield Finding(where=("step",))


def _long_step(node: FloatRange | IntegerRange) -> Iterator[Finding]:
    if node.step is not None and node.step > node.max - node.min:
        yield Finding(where=("step",))


def _disordered(node: Ordinal) -> Iterator[Finding]:
    for index, (before, after) in enumerate(pairwise(node.values)):
        if before >= after:
            yield Finding(
                where=("values", index + 1), message=f"values must rise, but {after} <= {before}"
            )


def _unknown_conditions(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [parameter.name for parameter in spec.parameters]
    for index, parameter in enumerate(spec.parameters):
        when = parameter.when
        if when is None or when.parameter in names[:index]:
            continue
        where = ("parameters", index, "when", "parameter")
        if when.parameter in names:
            yield Finding(
                where=where,
                message=f'"{when.parameter}" must stand before "{parameter.name}" in the list',
            )
        else:
            yield Finding(
                where=where,
                message=f'"{when.parameter}" is not in spec.parameters',
                suggestion=did_you_mean(when.parameter, names[:index]),
            )


def _conditions_on_others(spec: TuningStudySpec) -> Iterator[Finding]:
    parents = {parameter.name: parameter for parameter in spec.parameters}
    for index, parameter in enumerate(spec.parameters):
        parent = parents.get(parameter.when.parameter) if parameter.when else None
        if parent is not None and (parent.categorical is None or parent.when is not None):
            yield Finding(
                where=("parameters", index, "when", "parameter"),
                message=f'"{parent.name}" must be categorical and have no condition itself',
            )


def _unknown_choices(spec: TuningStudySpec) -> Iterator[Finding]:
    parents = {parameter.name: parameter for parameter in spec.parameters}
    for index, parameter in enumerate(spec.parameters):
        parent = parents.get(parameter.when.parameter) if parameter.when else None
        if parameter.when is None or parent is None or parent.categorical is None:
            continue
        for place, choice in enumerate(parameter.when.in_):
            if choice not in parent.categorical.choices:
                yield Finding(
                    where=("parameters", index, "when", "in", place),
                    message=f'"{choice}" is not a choice of "{parent.name}"',
                    suggestion=did_you_mean(choice, parent.categorical.choices),
                )


def _colliding_names(spec: TuningStudySpec) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for index, parameter in enumerate(spec.parameters):
        variable = parameter_variable(parameter.name)
        other = owners.setdefault(variable, parameter.name)
        if other != parameter.name:
            yield Finding(
                where=("parameters", index, "name"),
                message=f'"{other}" and "{parameter.name}" would both be {variable}',
            )


_VARIABLE = "name.upperAscii().replace('-', '_').replace('.', '_')"


def _range_rules(on: type[Any], *, zero: str) -> tuple[Rule[Any], ...]:
    return (
        Rule(
            on=on,
            message="min must be below max",
            cel="self.min < self.max",
            check=_not_rising,
        ),
        Rule(
            on=on,
            message="scale Log needs min above 0",
            cel=f"self.scale != 'Log' || self.min > {zero}",
            check=_log_of_nothing,
        ),
        Rule(
            on=on,
            message="step does not go with scale Log",
            cel="self.scale != 'Log' || !has(self.step)",
            check=_log_steps,
        ),
        Rule(
            on=on,
            message="step must not exceed max - min",
            cel="!has(self.step) || self.step <= self.max - self.min",
            check=_long_step,
        ),
    )


RULES: tuple[Rule[Any], ...] = (
    *_range_rules(FloatRange, zero="0.0"),
    *_range_rules(IntegerRange, zero="0"),
    Rule(
        on=Ordinal,
        message="values must rise",
        cel="self.values.all(i, v, i == 0 || self.values[i - 1] < v)",
        check=_disordered,
    ),
    exactly_one(Parameter, "float", "integer", "ordinal", "categorical"),
    Rule(
        on=TuningStudySpec,
        field=".parameters",
        message="when.parameter must name a parameter that stands earlier in the list",
        cel=(
            "self.parameters.all(i, p, !has(p.when) || "
            "self.parameters.exists(j, q, j < i && q.name == p.when.parameter))"
        ),
        check=_unknown_conditions,
    ),
    Rule(
        on=TuningStudySpec,
        field=".parameters",
        message="when.parameter must be categorical and have no condition itself",
        cel=(
            "self.parameters.all(p, !has(p.when) || self.parameters.all(q, "
            "q.name != p.when.parameter || has(q.categorical) && !has(q.when)))"
        ),
        check=_conditions_on_others,
    ),
    Rule(
        on=TuningStudySpec,
        field=".parameters",
        message="when.in must hold choices of when.parameter",
        check=_unknown_choices,
    ),
    Rule(
        on=TuningStudySpec,
        field=".parameters",
        message="names must differ in more than case, dots and dashes (TUNER_PARAM_NAME)",
        cel=(
            f"self.parameters.all(p, self.parameters.exists_one(q, q.{_VARIABLE} == p.{_VARIABLE}))"
        ),
        check=_colliding_names,
    ),
)
