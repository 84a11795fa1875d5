"""Segments: consecutive stages with one image and one instance type share a pod."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tuner.errors import PipelineError
from tuner.spec import Stage, TuningStudySpec
from tuner.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of consecutive stages that one pod carries out.

    Attributes:
        index: From 0.
        stages: Their names, in order.
        image: The image of all of them; empty where neither stage nor pipeline names one.
        instance_type: Where all of them run.
        last: Whether the pipeline ends with it.
    """

    index: int
    stages: tuple[str, ...]
    image: str
    instance_type: str
    last: bool


def segments(spec: TuningStudySpec, *, trial: Trial) -> tuple[Segment, ...]:
    """The pods that a trial goes through, in order.

    Raises:
        PipelineError: The trial names no instance type for a stage that is not pinned to one.
    """
    runs = [
        (place, tuple(stage.name for stage in stages))
        for place, stages in groupby(
            spec.pipeline.stages, key=lambda stage: _place(spec, stage=stage, trial=trial)
        )
    ]
    return tuple(
        Segment(
            index=index,
            stages=names,
            image=image,
            instance_type=instance_type,
            last=index == len(runs) - 1,
        )
        for index, ((image, instance_type), names) in enumerate(runs)
    )


def image_of(spec: TuningStudySpec, *, stage: Stage) -> str:
    """The stage's image, the pipeline's where it names none, else empty."""
    return stage.image or spec.pipeline.image or ""


def instance_type_of(spec: TuningStudySpec, *, stage: Stage, trial: Trial) -> str:
    """Where a trial runs a stage: as proposed, or the only type there is.

    Raises:
        PipelineError: The trial does not say and the stage is not pinned.
    """
    chosen = trial.instance_types.get(stage.name)
    if chosen is not None:
        return chosen
    allowed = (stage.hardware or spec.hardware).instance_types or ()
    if len(allowed) == 1:
        return allowed[0]
    raise PipelineError(f"Trial {trial.name} names no instance type for stage {stage.name}.")


def _place(spec: TuningStudySpec, *, stage: Stage, trial: Trial) -> tuple[str, str]:
    return image_of(spec, stage=stage), instance_type_of(spec, stage=stage, trial=trial)
