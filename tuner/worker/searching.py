"""The searcher of a worker's pod, made from what operator and API server say of the study."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.artifacts import ArtifactStore
from tuner.errors import TunerError
from tuner.hardware import StageChoices
from tuner.searchers import Searcher, make_searcher
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.transfer.asked import learned
from tuner.worker.fresh import FreshSearcher
from tuner.worker.pod import (
    STUDY_FOLDER,
    PodSettings,
    StudyWatch,
    described_hardware,
    read_choices,
    read_instance_types,
)
from tuner.worker.room import OpenTypesSearcher, room_of
from tuner.worker.stored import stored_prefixes

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

_logger = logging.getLogger(__name__)


def pod_searcher(
    watch: StudyWatch,
    *,
    store: ArtifactStore,
    settings: PodSettings,
    folder: Path = STUDY_FOLDER,
) -> Searcher:
    """A searcher that follows the study's hardware and budget, the only fields it depends on.

    It leaves out the instance types that have no room.

    Args:
        watch: The study.
        store: Where the stage cache is.
        settings: Who proposes.
        folder: Where the operator's resolved instance types are.

    Raises:
        TunerError: The study or its instance types cannot be read.
    """

    def describe() -> str:
        budget = json.dumps(_spec(watch)["budget"], sort_keys=True)
        return f"{budget}\n{described_hardware(folder=folder)}"

    def make() -> Searcher:
        spec = TuningStudySpec.model_validate(_spec(watch))
        types = read_instance_types(folder=folder)
        choices = read_choices(spec, folder=folder)
        return make_searcher(
            spec,
            space=SearchSpace.from_parameters(spec.parameters),
            choices=choices,
            instance_types=types,
            worker=settings.ordinal,
            workers=settings.workers,
            prior=_prior(spec, choices, types),
            stored=stored_prefixes(spec, store=store, study=settings.study, instance_types=types),
        )

    def _prior(
        spec: TuningStudySpec,
        choices: StageChoices,
        types: Mapping[str, InstanceTypeSpec],
    ) -> Prior | None:
        lesson = learned(
            spec,
            store=store,
            study=settings.study,
            choices=choices,
            instance_types=types,
            first=settings.ordinal == 0,
        )
        if lesson is None:
            return None
        for name in lesson.record.missing:
            _logger.warning("spec.transfer names study %s, which has no log in the bucket", name)
        if lesson.prior is None:
            _logger.warning("nothing is learned from earlier studies: %s", lesson.record.problem)
        return lesson.prior

    def room() -> Mapping[str, int]:
        return room_of(read_instance_types(folder=folder), scarce=watch.scarce())

    return OpenTypesSearcher(FreshSearcher(describe, make), room)


def _spec(watch: StudyWatch) -> Mapping[str, Any]:
    study = watch.study()
    if study is None:
        raise TunerError("the study is gone")
    spec: Mapping[str, Any] = study["spec"]
    return spec
