"""From a stage and a trial to a command and its environment: the only expansion there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tuner.errors import PipelineError
from tuner.pipeline.expansion import expand, expand_command
from tuner.pipeline.layout import Layout
from tuner.spec import EnvVar, Stage
from tuner.spec.contract import input_variable, parameter_variable, stage_variable
from tuner.trial import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What a stage is told beyond its own declaration.

    Attributes:
        layout: The paths of the attempt.
        study: The study's name.
        trial: The trial's name.
        parameters: The declared, active parameters, typed, in the study's order.
        instance_type: Where the stage runs.
        price_per_hour: USD, of that type.
        seed: The study's seed.
        inputs: Address of each input that the stage declares.
        earlier: The stages before this one.
        fidelity: How far to train at most; None for stages without fidelity.
        env: Variables of instance type and pipeline, in rising precedence.
    """

    layout: Layout
    study: str
    trial: str
    parameters: Mapping[str, ParameterValue]
    instance_type: str
    price_per_hour: float
    seed: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[str] = ()
    fidelity: float | None = None
    env: Sequence[EnvVar] = ()


def render(stage: Stage, *, context: StageContext) -> tuple[tuple[str, ...], dict[str, str]]:
    """The stage's argv and environment with every reference expanded.

    Variables with `valueFrom` are left out: the container provides them.

    Raises:
        PipelineError: An unknown `$(TUNER_...)`, or two names that become the same variable.
    """
    where = f"stage {stage.name}"
    ours = _unique(_variables(stage.name, context=context), where=where)
    theirs: dict[str, str] = {}
    for variable in (*context.env, *(stage.env or ())):
        if variable.value_from is None:
            known = {**theirs, **ours}
            theirs[variable.name] = expand(variable.value or "", values=known, where=where)
        else:
            theirs.pop(variable.name, None)
    env = {**theirs, **ours}
    argv = expand_command(
        (*stage.command, *(stage.args or ())),
        arguments=[f"--{name}={text(value)}" for name, value in context.parameters.items()],
        values=env,
        where=where,
    )
    return argv, env


def text(value: ParameterValue) -> str:
    """A parameter's value as a stage reads it; floats in Python's shortest exact form."""
    return repr(value) if isinstance(value, float) else str(value)


def fidelity_text(value: float) -> str:
    """A fidelity without a decimal point where it is whole: epochs are counted in whole numbers."""
    return str(int(value)) if value.is_integer() else repr(value)


def _variables(stage: str, *, context: StageContext) -> Iterator[tuple[str, str]]:
    files = context.layout.stage(stage)
    for name, value in context.parameters.items():
        yield parameter_variable(name), text(value)
    for name, uri in context.inputs.items():
        yield input_variable(name), uri
    for name in context.earlier:
        yield stage_variable(name), str(context.layout.stage(name).output)
    if context.fidelity is not None:
        yield "TUNER_FIDELITY", fidelity_text(context.fidelity)
    yield "TUNER_PARAMETERS", str(files.parameters)
    yield "TUNER_REPORTS", str(files.reports)
    yield "TUNER_CHECKPOINT_DIR", str(files.checkpoint)
    yield "TUNER_OUTPUT_DIR", str(files.output)
    yield "TUNER_STUDY", context.study
    yield "TUNER_TRIAL", context.trial
    yield "TUNER_STAGE", stage
    yield "TUNER_INSTANCE_TYPE", context.instance_type
    yield "TUNER_PRICE_PER_HOUR", text(context.price_per_hour)
    yield "TUNER_SEED", str(context.seed)


def _unique(pairs: Iterable[tuple[str, str]], *, where: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, value in pairs:
        if name in variables:
            raise PipelineError(f"{where}: two names become the variable {name}; rename one.")
        variables[name] = value
    return variables
