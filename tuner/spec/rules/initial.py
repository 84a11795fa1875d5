"""Rules of the configurations that are tried first.

Their values are numbers or words, a union that a structural schema cannot type and CEL cannot see;
so these rules are Python's alone, except for the names of stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tuner.spec.parameters import Categorical, FloatRange, IntegerRange, Ordinal, Parameter
from tuner.spec.problems import did_you_mean
from tuner.spec.rule import Finding, Rule
from tuner.spec.study import InitialTrial, TuningStudySpec


def _unknown_stages(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [stage.name for stage in spec.pipeline.stages]
    for index, trial in enumerate(spec.initial_trials or ()):
        for stage in trial.instance_types or ():
            if stage not in names:
                yield Finding(
                    where=("initialTrials", index, "instanceTypes", stage),
                    message=f'"{stage}" is not in spec.pipeline.stages',
                    suggestion=did_you_mean(stage, names),
                )


def _unknown_parameters(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [parameter.name for parameter in spec.parameters]
    for index, trial in enumerate(spec.initial_trials or ()):
        for name in trial.parameters:
            if name not in names:
                yield Finding(
                    where=("initialTrials", index, "parameters", name),
                    message=f'"{name}" is not in spec.parameters',
                    suggestion=did_you_mean(name, names),
                )


def _values_outside(spec: TuningStudySpec) -> Iterator[Finding]:
    known = {parameter.name: parameter for parameter in spec.parameters}
    for index, trial in enumerate(spec.initial_trials or ()):
        for name, value in trial.parameters.items():
            if name not in known or not _is_sound(known[name]):
                continue
            message = _fault(known[name], value, trial)
            if message:
                yield Finding(where=("initialTrials", index, "parameters", name), message=message)


def _is_sound(parameter: Parameter) -> bool:
    """Whether the range keeps its own rules; if not, they speak and values are not judged."""
    domains = (parameter.float_, parameter.integer, parameter.ordinal, parameter.categorical)
    if sum(domain is not None for domain in domains) != 1:
        return False
    domain = parameter.domain
    return not isinstance(domain, FloatRange | IntegerRange) or domain.min < domain.max


def _fault(parameter: Parameter, value: float | str, trial: InitialTrial) -> str:
    when = parameter.when
    if when is not None:
        chosen = trial.parameters.get(when.parameter)
        if isinstance(chosen, str) and chosen not in when.in_:
            return f'"{parameter.name}" is not active when {when.parameter} is "{chosen}"'
    if not _holds(parameter, value):
        return f'{value!r} is outside the range of "{parameter.name}"'.replace("'", "")
    return ""


def _holds(parameter: Parameter, value: float | str) -> bool:
    match parameter.domain:
        case Categorical(choices=choices):
            return value in choices
        case Ordinal(values=values):
            return value in values
        case FloatRange() as domain:
            return not isinstance(value, str) and domain.min <= value <= domain.max
        case IntegerRange() as domain:
            whole = not isinstance(value, str) and float(value).is_integer()
            return whole and domain.min <= float(value) <= domain.max


RULES: tuple[Rule[Any], ...] = (
    Rule(
        on=TuningStudySpec,
        field=".initialTrials",
        message="instanceTypes must be by names of spec.pipeline.stages",
        cel=(
            "!has(self.initialTrials) || self.initialTrials.all(t, !has(t.instanceTypes) || "
            "t.instanceTypes.all(n, self.pipeline.stages.exists(s, s.name == n)))"
        ),
        check=_unknown_stages,
    ),
    Rule(
        on=TuningStudySpec,
        message="initialTrials must use names of spec.parameters",
        check=_unknown_parameters,
    ),
    Rule(
        on=TuningStudySpec,
        message="initialTrials must keep to the ranges of spec.parameters",
        check=_values_outside,
    ),
)
