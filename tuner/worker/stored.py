"""How much of a configuration the stage cache holds: what a proposal may count on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tuner.artifacts import ArtifactStore
from tuner.cache import Hit, StageCache
from tuner.errors import PipelineError, SpaceError
from tuner.pipeline import PlanSettings, StudyIdentity, stage_keys
from tuner.spec import CachePolicy, InstanceTypeSpec, TuningStudySpec
from tuner.trial import ParameterValue, Trial

LIST_SECONDS = 60.0
"""The cache's keys are listed this often at most, and only when an unknown one is asked for."""
LIST_SHARE = 0.02
"""Of the time, at most, goes into listing, however many keys there are."""
VERIFY_SECONDS = 600.0
"""An artifact that was found whole, or damaged, is looked at again after this time."""
MOST_REMEMBERED = 50_000

KeysOf = Callable[[Mapping[str, ParameterValue], Mapping[str, str]], Sequence[str]]
"""The stage keys of a configuration, in order, up to the first stage that is never reused."""


class StoredPrefixes:
    """Counts the leading stages of a configuration whose artifacts are stored and whole.

    A `tuner.searchers.StoredStages`. A key that nothing is stored under costs no request of its
    own, one that is costs one look at its manifest and object; both are remembered. What other
    workers store is seen a minute later; what the study's own trials store, its log tells at once.

    Args:
        cache: The namespace's stage cache.
        keys: Stage keys of a configuration.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        cache: StageCache,
        keys: KeysOf,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._keys = keys
        self._clock = clock
        self._listed: frozenset[str] = frozenset()
        self._list_again = float("-inf")
        self._whole: dict[str, tuple[bool, float]] = {}

    def __call__(
        self, parameters: Mapping[str, ParameterValue], instance_types: Mapping[str, str]
    ) -> int:
        """How many leading stages are stored. Raises StoreError if the store does not answer."""
        count = 0
        for key in self._keys(parameters, instance_types):
            if not self._is_stored(key):
                break
            count += 1
        return count

    def _is_stored(self, key: str) -> bool:
        if key not in self._listed:
            self._list()
        return key in self._listed and self._is_whole(key)

    def _list(self) -> None:
        start = self._clock()
        if start < self._list_again:
            return
        self._listed = self._cache.keys()
        end = self._clock()
        self._list_again = end + max(LIST_SECONDS, (end - start) / LIST_SHARE)

    def _is_whole(self, key: str) -> bool:
        now = self._clock()
        known = self._whole.get(key)
        if known is None or now - known[1] >= VERIFY_SECONDS:
            if len(self._whole) >= MOST_REMEMBERED:
                self._whole.clear()
            known = (isinstance(self._cache.lookup(key), Hit), now)
            self._whole[key] = known
        return known[0]


def stored_prefixes(
    spec: TuningStudySpec,
    *,
    store: ArtifactStore,
    study: StudyIdentity,
    instance_types: Mapping[str, InstanceTypeSpec],
    code_identity: str | None = None,
) -> StoredPrefixes:
    """The stored prefixes of a study's configurations in its namespace's cache.

    Args:
        spec: The study.
        store: Where the cache is.
        study: Which study.
        instance_types: At least those that its trials may use, by name.
        code_identity: Stands for the image in stage keys; None to use the image's name.
    """
    keys = reusable_keys(
        spec,
        study=study,
        instance_types=instance_types,
        settings=PlanSettings(code_identity=code_identity),
    )
    return StoredPrefixes(StageCache(store, study.cache_prefix), keys)


def reusable_keys(
    spec: TuningStudySpec,
    *,
    study: StudyIdentity,
    instance_types: Mapping[str, InstanceTypeSpec],
    settings: PlanSettings | None = None,
) -> KeysOf:
    """The stage keys of this study's configurations, remembered.

    What is no configuration of this study, or needs an instance type that is gone, has no keys.
    """
    remembered: dict[object, tuple[str, ...]] = {}
    order = [stage.name for stage in spec.pipeline.stages]
    never = (stage.name for stage in spec.pipeline.stages if stage.cache is CachePolicy.NEVER)
    reused = order[: order.index(first)] if (first := next(never, None)) else order

    def keys(parameters: Mapping[str, ParameterValue], types: Mapping[str, str]) -> tuple[str, ...]:
        mark = (tuple(sorted(parameters.items())), tuple(sorted(types.items())))
        if mark not in remembered:
            if len(remembered) >= MOST_REMEMBERED:
                remembered.clear()
            remembered[mark] = made(parameters, types)
        return remembered[mark]

    def made(parameters: Mapping[str, ParameterValue], types: Mapping[str, str]) -> tuple[str, ...]:
        asked = Trial(name="asked", worker=0, number=0, parameters=parameters, instance_types=types)
        try:
            found = stage_keys(
                spec, study=study, trial=asked, instance_types=instance_types, settings=settings
            )
        except (PipelineError, SpaceError):
            return ()
        return tuple(found[name].digest for name in reused)

    return keys
