"""From `spec.transfer` to a prior: chosen once, trained once, shared by all workers."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from threadpoolctl import threadpool_limits

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectCorrupt, SurrogateError
from tuner.hardware import StageChoices
from tuner.pipeline import StudyIdentity
from tuner.searchers.engine import facts_of
from tuner.searchers.engine.features import features_of
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec, SearcherType, TuningStudySpec
from tuner.surrogates.features import FeatureMap
from tuner.surrogates.prior import VERSION, Prior, pretrain
from tuner.transfer.reading import source_study
from tuner.transfer.record import Source, TransferRecord, get_record, put_record
from tuner.transfer.selecting import select
from tuner.transfer.shelf import PriorShelf

LEARNERS = frozenset({SearcherType.AUTO, SearcherType.HYPERBO})
"""Searchers that use a prior."""

WAIT_SECONDS = 60.0
"""So long other workers wait for what the first one writes, before they do its work themselves."""
POLL_SECONDS = 1.0

T = TypeVar("T")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What came of `spec.transfer`.

    Attributes:
        record: What was learned from, and why not from more.
        prior: What the searcher is given; None if nothing was learned.
        trained: Whether it was trained here, not taken from the bucket.
    """

    record: TransferRecord
    prior: Prior | None = None
    trained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a prior for a study is trained: all that its bytes follow from, but the sources' logs.

    Attributes:
        features: The study's inputs, as its engine sees them.
        directions: Of each reported metric whether it is maximised.
        fidelity: Whether the study has one.
        stages: Names of its stages.
        described: What `features` was made from, as JSON values.
    """

    features: FeatureMap
    directions: Mapping[str, bool]
    fidelity: bool
    stages: Sequence[str]
    described: Mapping[str, object]

    @classmethod
    def of(
        cls,
        spec: TuningStudySpec,
        *,
        choices: StageChoices,
        instance_types: Mapping[str, InstanceTypeSpec],
    ) -> Recipe:
        """The recipe of a study whose stages may use these instance types."""
        facts = facts_of(spec, choices=choices, instance_types=instance_types)
        features = features_of(
            facts,
            space=SearchSpace.from_parameters(spec.parameters),
            choices=choices,
            instance_types=instance_types,
        )
        return cls(
            features=features,
            directions={
                metric: sign < 0 for metric, sign in zip(facts.metrics, facts.signs, strict=True)
            },
            fidelity=spec.fidelity is not None,
            stages=[stage.name for stage in spec.pipeline.stages],
            described={
                "parameters": [
                    one.model_dump(mode="json", exclude_none=True) for one in spec.parameters
                ],
                "groups": [[group.stages, group.types] for group in choices.groups],
                "types": {name: dict(one) for name, one in features.type_features.items()},
                "least fidelity": features.least_fidelity,
            },
        )

    def key(self, sources: Sequence[Source]) -> str:
        """The key of the prior that this trains from the sources, sha256 in hex.

        Logs only grow, so how far each had come stands for its content.
        """
        parts = {
            "version": VERSION,
            "sources": [[one.name, one.until] for one in sources],
            "directions": dict(self.directions),
            "fidelity": self.fidelity,
            "stages": list(self.stages),
            **self.described,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def train(self, store: ArtifactStore, sources: Sequence[Source], *, namespace: str) -> Prior:
        """Reads the sources and trains on them. Raises SurrogateError, StoreError."""
        found = [source_study(store, one, namespace=namespace) for one in sources]
        # On one thread: the matrices are small, and equal sources then give equal priors.
        with threadpool_limits(limits=1, user_api="blas"):
            return pretrain(
                [one for one in found if one is not None],
                features=self.features,
                directions=self.directions,
                fidelity=self.fidelity,
                stages=self.stages,
            )


def learn(
    spec: TuningStudySpec,
    *,
    store: ArtifactStore,
    study: StudyIdentity,
    choices: StageChoices,
    instance_types: Mapping[str, InstanceTypeSpec],
    first: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Lesson | None:
    """The prior that a study's `transfer` asks for; None if it asks for nothing.

    What is learned from is chosen when the first worker starts and stays: the same log then gives
    the same proposals, whatever earlier studies go on to find.

    Args:
        spec: The study.
        store: The bucket.
        study: Which study.
        choices: The instance types that its stages may use.
        instance_types: Those, by name.
        first: Whether to choose and train at once; other workers give the first one a minute.
        sleep: Waits so many seconds.

    Raises:
        StoreError: The store does not answer.
    """
    if spec.transfer is None:
        return None
    if spec.searcher.type not in LEARNERS:
        problem = f"the searcher {spec.searcher.type} does not learn from earlier studies"
        unused = TransferRecord(problem=problem)
        put_record(store, study.study_prefix, record=unused)
        return Lesson(record=unused)
    wait = _Wait(0.0 if first else WAIT_SECONDS, sleep)
    record = wait.until_there(lambda: _known(store, study))
    if record is None:
        record = select(store, spec.transfer, study=study)
        put_record(store, study.study_prefix, record=record)
    recipe = Recipe.of(spec, choices=choices, instance_types=instance_types)
    lesson = teach(record, recipe, store=store, study=study, waiting=wait.until_there)
    if lesson.record != record:
        put_record(store, study.study_prefix, record=lesson.record)
    return lesson


def _known(store: ArtifactStore, study: StudyIdentity) -> TransferRecord | None:
    try:
        return get_record(store, study.study_prefix)
    except ObjectCorrupt as error:
        _logger.warning("chosen anew what to learn from: %s", error)
        return None


def teach(
    record: TransferRecord,
    recipe: Recipe,
    *,
    store: ArtifactStore,
    study: StudyIdentity,
    waiting: Callable[[Callable[[], Prior | None]], Prior | None] = lambda ask: ask(),
) -> Lesson:
    """The prior of the chosen sources, from the bucket or trained here and stored there.

    Args:
        record: What was chosen.
        recipe: How to train.
        store: The bucket.
        study: Whose namespace it is.
        waiting: Asks the bucket, as often as it likes.

    Raises:
        StoreError: The store does not answer.
    """
    if not record.sources:
        problem = "no earlier study with trials was found"
        return Lesson(record=replace(record, prior="", problem=problem))
    key = recipe.key(record.sources)
    learned = replace(record, prior=key, problem="")
    shelf = PriorShelf(store, study.cache_prefix)
    prior = waiting(lambda: shelf.get(key))
    if prior is not None:
        return Lesson(record=learned, prior=prior)
    start = time.monotonic()
    try:
        prior = recipe.train(store, record.sources, namespace=study.namespace)
    except SurrogateError as error:
        return Lesson(record=replace(record, prior="", problem=str(error)))
    shelf.put(key, prior)
    seconds = time.monotonic() - start
    _logger.info("learned from %d studies in %.1f s", len(record.sources), seconds)
    return Lesson(record=learned, prior=prior, trained=True)


class _Wait:
    """Asks again every second; all questions share one span of time."""

    def __init__(self, seconds: float, sleep: Callable[[float], None]) -> None:
        self._left = seconds
        self._sleep = sleep

    def until_there(self, ask: Callable[[], T | None]) -> T | None:
        """The first answer that is not None; None when time is up."""
        while (answer := ask()) is None and self._left > 0:
            self._sleep(POLL_SECONDS)
            self._left -= POLL_SECONDS
        return answer
