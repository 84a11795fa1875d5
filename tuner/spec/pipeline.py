"""The pipeline: stages one after the other, each a command in an image."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tuner.spec.base import LABEL_PATTERN, Flag, Integer, Model, Subdomain, Unique
from tuner.spec.environment import Env
from tuner.spec.meta import LabelSelector
from tuner.spec.parameters import ParameterName
from tuner.spec.pod import PodTemplate
from tuner.spec.quantities import Duration

StageName = Annotated[str, Field(min_length=1, max_length=40, pattern=LABEL_PATTERN)]
InputName = Annotated[str, Field(min_length=1, max_length=40, pattern=LABEL_PATTERN)]
Image = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^\S+$")]
Argument = Annotated[str, Field(max_length=4096)]


class CachePolicy(StrEnum):
    """Whether a stage's artifact is used again."""

    REUSE = "Reuse"
    NEVER = "Never"


class FidelityMode(StrEnum):
    """How a trial gets from one rung to the next."""

    RESUME = "Resume"
    RESTART = "Restart"


class Input(Model):
    """Data from outside; its name and version are part of the keys of the stages that read it."""

    name: InputName
    """The input's name; stages find it as TUNER_INPUT_NAME."""
    version: Annotated[str, Field(min_length=1, max_length=128)]
    """Change it when the data change: artifacts made from the old data are then not used."""
    uri: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where the stage finds the data: a path of a mounted volume, or any address it can read."""


class Hardware(Model):
    """The instance types that may be used: exactly one of instanceTypes and selector."""

    instance_types: (
        Annotated[tuple[Subdomain, ...], Field(min_length=1, max_length=64), Unique()] | None
    ) = None
    """InstanceTypes by name; one is a pin, several are chosen from for each trial."""
    selector: LabelSelector | None = None
    """InstanceTypes by label; {} = all that are allowed in the namespace."""


class Stage(Model):
    """One command of the pipeline. What it writes to TUNER_OUTPUT_DIR is its artifact."""

    name: StageName
    """The stage's name; later stages find its artifact in TUNER_STAGE_NAME_DIR."""
    image: Image | None = None
    """The image, where it is not the pipeline's. With a digest, artifacts serve other studies."""
    command: Annotated[tuple[Argument, ...], Field(min_length=1, max_length=64)]
    """What to run, without a shell. "$(TUNER_ARGS)" becomes --NAME=VALUE of each parameter."""
    args: Annotated[tuple[Argument, ...], Field(max_length=64)] | None = None
    """Appended to command."""
    env: Env | None = None
    """Environment variables of this stage."""
    parameters: Annotated[tuple[ParameterName, ...], Field(max_length=64), Unique()] | None = None
    """The parameters that the stage sees, and no others; omitted = all, [] = none."""
    inputs: Annotated[tuple[InputName, ...], Field(max_length=16), Unique()] | None = None
    """The inputs that the stage reads."""
    hardware: Hardware | None = None
    """Where the stage may run; omitted = the study's hardware."""
    timeout: Duration | None = None
    """A stage that runs longer has failed."""
    cache: CachePolicy = CachePolicy.REUSE
    """Never runs the stage each time, as for a measurement; Reuse takes an equal artifact."""
    artifact_depends_on_instance_type: Flag = False
    """Whether the artifact is of use on the instance type alone where it was made."""


class Pipeline(Model):
    """Stages, in the order in which they run."""

    image: Image | None = None
    """The image of the stages that name none. Use a digest to share artifacts among studies."""
    env: Env | None = None
    """Environment variables of every stage."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=16), Unique("name")]
    """The stages. Consecutive ones with one image and instance type share a pod."""
    pod_template: PodTemplate | None = None
    """What is added to every trial pod."""

    def stage(self, name: str) -> Stage | None:
        """The stage of that name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    @property
    def cached_stages(self) -> frozenset[str]:
        """Names of the stages that are looked up in the cache."""
        return frozenset(one.name for one in self.stages if one.cache is CachePolicy.REUSE)


class Fidelity(Model):
    """A measure of how far a stage trains, by which poor trials are stopped early."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """The key in reports that counts units done, such as epoch."""
    stage: StageName
    """The stage that trains and reports it."""
    min: Annotated[Integer, Field(ge=1, le=10**9)] = 1
    """The fidelity of the first rung."""
    max: Annotated[Integer, Field(ge=1, le=10**9)]
    """Full fidelity."""
    mode: FidelityMode = FidelityMode.RESUME
    """Resume goes on from the checkpoint; Restart begins again, and the costs of rungs add up."""


Inputs = Annotated[tuple[Input, ...], Field(max_length=16), Unique("name")]
