"""What a plan is made from, and the stage keys that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.errors import PipelineError
from tuner.pipeline.keys import KeyParts, StageKey, has_digest, stage_key
from tuner.pipeline.layout import POD_BASE
from tuner.pipeline.segmentation import image_of, instance_type_of
from tuner.space import domain_of
from tuner.spec import CachePolicy, EnvVar, InstanceTypeSpec, Stage, TuningStudySpec
from tuner.trial import ParameterValue, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyIdentity:
    """Which study it is: `local` stands for namespace and uid in `tuner run`."""

    name: str
    namespace: str = "local"
    uid: str = "local"

    @property
    def study_prefix(self) -> str:
        """Where the study's objects live in the store."""
        return f"studies/{self.namespace}/{self.name}.{self.uid}"

    @property
    def cache_prefix(self) -> str:
        """Where the artifacts of the namespace live in the store."""
        return f"cache/{self.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What a plan needs beyond study and trial.

    Attributes:
        rungs: Fidelities at which a decision is due in the trial's bracket, rising.
        base: Folder shared by agent and runner.
        code_identity: Stands for the image in stage keys; a digest of the code in `tuner run`.
        inputs: Addresses that replace those of the manifest, by input name.
        prices_per_hour: USD by instance type, as admitted; those left out as the type says.
        promoted: The highest rung from which the trial was promoted; 0 before the first.
    """

    rungs: Sequence[float] = ()
    base: str = POD_BASE
    code_identity: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    prices_per_hour: Mapping[str, float] = field(default_factory=dict)
    promoted: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All that a plan is made from."""

    spec: TuningStudySpec
    study: StudyIdentity
    trial: Trial
    instance_types: Mapping[str, InstanceTypeSpec]
    settings: PlanSettings


def keys_of(source: Source) -> dict[str, StageKey]:
    """The key of every stage by name, each made of the one before."""
    keys: dict[str, StageKey] = {}
    previous = ""
    for stage in source.spec.pipeline.stages:
        keys[stage.name] = stage_key(_key_parts(source, stage=stage, previous=previous))
        previous = keys[stage.name].digest
    return keys


def _key_parts(source: Source, *, stage: Stage, previous: str) -> KeyParts:
    spec = source.spec
    type_name = instance_type_of(spec, stage=stage, trial=source.trial)
    identity = source.settings.code_identity
    image = identity if identity is not None else image_of(spec, stage=stage)
    versions = {item.name: item.version for item in spec.inputs or ()}
    fidelity = spec.fidelity
    trains = fidelity is not None and fidelity.stage == stage.name
    return KeyParts(
        image=image,
        scope=_scope(source, stage=stage, image=image),
        command=(*stage.command, *(stage.args or ())),
        env=_env_parts((*(spec.pipeline.env or ()), *(stage.env or ()))),
        instance_env=_env_parts(instance_type_spec(source, name=type_name).env or ()),
        parameters=parameters_of(source, stage=stage),
        inputs={name: versions.get(name, "") for name in stage.inputs or ()},
        previous=previous,
        fidelity=float(fidelity.max) if fidelity and trains else None,
        instance_type=type_name if stage.artifact_depends_on_instance_type else None,
    )


def _scope(source: Source, *, stage: Stage, image: str) -> str:
    if stage.cache is CachePolicy.NEVER:
        return f"trial {source.study.uid} {source.trial.name}"
    if source.settings.code_identity is None and not has_digest(image):
        return f"study {source.study.uid}"
    return ""


def _env_parts(variables: Sequence[EnvVar]) -> dict[str, object]:
    return {
        item.name: item.value or ""
        if item.value_from is None
        else item.value_from.model_dump(mode="json", by_alias=True, exclude_none=True)
        for item in variables
    }


def parameters_of(source: Source, *, stage: Stage) -> dict[str, ParameterValue]:
    """The stage's declared, active parameters, typed by the search space, in the study's order."""
    given = source.trial.parameters
    return {
        parameter.name: domain_of(parameter).cast(given[parameter.name])
        for parameter in source.spec.parameters
        if parameter.name in given
        and (stage.parameters is None or parameter.name in stage.parameters)
    }


def instance_type_spec(source: Source, *, name: str) -> InstanceTypeSpec:
    """The instance type of that name.

    Raises:
        PipelineError: It was not given.
    """
    try:
        return source.instance_types[name]
    except KeyError:
        raise PipelineError(f"There is no instance type {name}.") from None
