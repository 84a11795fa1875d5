"""The searcher that a study asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from tuner.hardware import StageChoices
from tuner.searchers._protocol import Searcher, StoredStages
from tuner.searchers.initial import InitialTrialsFirst
from tuner.searchers.joint import JointSpace
from tuner.searchers.random import RandomSearcher
from tuner.searchers.sobol import SobolSearcher
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec, SearcherType, TuningStudySpec

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior


class SearcherFactory(Protocol):
    """Whatever makes a worker's searcher: `make_searcher`, or a benchmark's baseline."""

    def __call__(
        self,
        spec: TuningStudySpec,
        *,
        space: SearchSpace,
        choices: StageChoices,
        instance_types: Mapping[str, InstanceTypeSpec],
        worker: int = 0,
        workers: int = 1,
        prior: Prior | None = None,
        stored: StoredStages | None = None,
    ) -> Searcher:
        """The searcher of one worker; arguments as for `make_searcher`."""


def make_searcher(
    spec: TuningStudySpec,
    *,
    space: SearchSpace,
    choices: StageChoices,
    instance_types: Mapping[str, InstanceTypeSpec],
    worker: int = 0,
    workers: int = 1,
    prior: Prior | None = None,
    stored: StoredStages | None = None,
) -> Searcher:
    """The searcher of one worker, the study's initial trials first.

    Args:
        spec: The study.
        space: Its search space.
        choices: The instance types that its stages may use, without problems.
        instance_types: At least those of the choices, by name: prices and features.
        worker: The worker's ordinal, from 0.
        workers: How many workers there are.
        prior: What earlier studies taught; None without `transfer`.
        stored: Asks the stage cache; None where there is none.
    """
    joint = JointSpace(space, choices)
    searcher = _searcher(
        spec,
        joint,
        instance_types=instance_types,
        worker=worker,
        workers=workers,
        prior=prior,
        stored=stored,
    )
    if not spec.initial_trials:
        return searcher
    return InitialTrialsFirst(
        joint=joint,
        trials=spec.initial_trials,
        worker=worker,
        workers=workers,
        searcher=searcher,
    )


def _searcher(
    spec: TuningStudySpec,
    joint: JointSpace,
    *,
    instance_types: Mapping[str, InstanceTypeSpec],
    worker: int,
    workers: int,
    prior: Prior | None,
    stored: StoredStages | None,
) -> Searcher:
    match spec.searcher.type:
        case SearcherType.RANDOM:
            return RandomSearcher(joint)
        case SearcherType.SOBOL:
            return SobolSearcher(
                joint=joint, seed=spec.searcher.seed, worker=worker, workers=workers
            )
        case SearcherType.AUTO | SearcherType.EEIPU | SearcherType.HYPERBO:
            # Models need numpy's and scipy's linear algebra: whoever asks for none loads none.
            from tuner.searchers.auto import engine_searcher

            return engine_searcher(
                spec,
                joint=joint,
                instance_types=instance_types,
                worker=worker,
                workers=workers,
                prior=prior,
                stored=stored,
            )
