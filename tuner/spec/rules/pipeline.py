"""Rules of the pipeline: what stages refer to must exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.spec import contract
from tuner.spec.environment import EnvVar
from tuner.spec.pipeline import Pipeline, Stage
from tuner.spec.problems import Location, did_you_mean
from tuner.spec.rule import Finding, Rule
from tuner.spec.study import TuningStudySpec


def _without_image(pipeline: Pipeline) -> Iterator[Finding]:
    if pipeline.image is None:
        for index, stage in enumerate(pipeline.stages):
            if stage.image is None:
                yield Finding(where=("stages", index))


def _unknown_parameters(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [parameter.name for parameter in spec.parameters]
    for index, stage in enumerate(spec.pipeline.stages):
        for place, name in enumerate(stage.parameters or ()):
            if name not in names:
                yield Finding(
                    where=("pipeline", "stages", index, "parameters"),
                    message=f'"{name}" is not in spec.parameters',
                    suggestion=did_you_mean(name, names),
                    at=("pipeline", "stages", index, "parameters", place),
                )


def _unknown_inputs(spec: TuningStudySpec) -> Iterator[Finding]:
    names = [item.name for item in spec.inputs or ()]
    for index, stage in enumerate(spec.pipeline.stages):
        for place, name in enumerate(stage.inputs or ()):
            if name not in names:
                yield Finding(
                    where=("pipeline", "stages", index, "inputs"),
                    message=f'"{name}" is not in spec.inputs',
                    suggestion=did_you_mean(name, names),
                    at=("pipeline", "stages", index, "inputs", place),
                )


def _unknown_references(spec: TuningStudySpec) -> Iterator[Finding]:
    reported: set[tuple[Location, str]] = set()
    for index, stage in enumerate(spec.pipeline.stages):
        known = {*_always_known(spec, index)}
        for where, text, names in _texts(spec.pipeline, stage, index, known):
            for name in contract.references(text):
                if _depends(name) and name not in names and (where, name) not in reported:
                    reported.add((where, name))
                    yield _unknown(name, stage, where, names)


def _depends(name: str) -> bool:
    """Whether the name depends on the study; others are checked in `rules.pods`."""
    return name == contract.FIDELITY or name.startswith(contract.FAMILIES)


def _unknown(name: str, stage: Stage, where: Location, names: set[str]) -> Finding:
    return Finding(
        where=where,
        message=f'"$({name})" is not always defined in stage "{stage.name}"',
        suggestion=contract.suggest_variable(name, names),
    )


def _always_known(spec: TuningStudySpec, index: int) -> Iterator[str]:
    stage = spec.pipeline.stages[index]
    yield from contract.CONTEXT
    for parameter in spec.parameters:
        declared = stage.parameters is None or parameter.name in stage.parameters
        if declared and parameter.when is None:
            yield contract.parameter_variable(parameter.name)
    yield from map(contract.input_variable, stage.inputs or ())
    for earlier in spec.pipeline.stages[:index]:
        yield contract.stage_variable(earlier.name)
    if spec.fidelity is not None and spec.fidelity.stage == stage.name:
        yield contract.FIDELITY


def _texts(
    pipeline: Pipeline, stage: Stage, index: int, known: set[str]
) -> Iterator[tuple[Location, str, set[str]]]:
    here: Location = ("pipeline", "stages", index)
    for field, elements in (("command", stage.command), ("args", stage.args or ())):
        for place, text in enumerate(elements):
            yield (*here, field, place), text, known | {contract.ARGS}
    yield from _values((*here, "env"), stage.env or (), known)
    yield from _values(("pipeline", "env"), pipeline.env or (), known)


def _values(
    where: Location, env: Sequence[EnvVar], known: set[str]
) -> Iterator[tuple[Location, str, set[str]]]:
    for place, variable in enumerate(env):
        if variable.value is not None:
            yield (*where, place, "value"), variable.value, known


RULES: tuple[Rule[Any], ...] = (
    Rule(
        on=Pipeline,
        message="every stage needs an image, its own or the pipeline's",
        cel="has(self.image) || self.stages.all(s, has(s.image))",
        check=_without_image,
    ),
    Rule(
        on=TuningStudySpec,
        field=".pipeline.stages",
        message="a stage's parameters must name entries of spec.parameters",
        cel=(
            "self.pipeline.stages.all(s, !has(s.parameters) || s.parameters.all(p, "
            "self.parameters.exists(q, q.name == p)))"
        ),
        check=_unknown_parameters,
    ),
    Rule(
        on=TuningStudySpec,
        field=".pipeline.stages",
        message="a stage's inputs must name entries of spec.inputs",
        cel=(
            "self.pipeline.stages.all(s, !has(s.inputs) || s.inputs.all(n, "
            "has(self.inputs) && self.inputs.exists(i, i.name == n)))"
        ),
        check=_unknown_inputs,
    ),
    Rule(
        on=TuningStudySpec,
        field=".pipeline.stages",
        message="$(TUNER_...) must name a variable of the stage",
        check=_unknown_references,
    ),
)
