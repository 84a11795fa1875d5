"""What a process asks that runs any study: one without `transfer` loads nothing for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuner.artifacts import ArtifactStore
from tuner.hardware import StageChoices
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceTypeSpec, TuningStudySpec

if TYPE_CHECKING:
    from tuner.transfer.learning import Lesson


def learned(
    spec: TuningStudySpec,
    *,
    store: ArtifactStore,
    study: StudyIdentity,
    choices: StageChoices,
    instance_types: Mapping[str, InstanceTypeSpec],
    first: bool = True,
) -> Lesson | None:
    """What a study learns from earlier ones; see `tuner.transfer.learning.learn`."""
    if spec.transfer is None:
        return None
    from tuner.transfer.learning import learn

    return learn(
        spec,
        store=store,
        study=study,
        choices=choices,
        instance_types=instance_types,
        first=first,
    )
