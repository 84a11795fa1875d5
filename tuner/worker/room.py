"""Searches where a trial could start: what the operator and the log say of each type's room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tuner.searchers import History, Searcher, Suggestion
from tuner.spec import InstanceTypeSpec

CLOSED = "closed"
"""Under this name a trial's `why` says which types were left out."""


class OpenTypesSearcher:
    """Asks another searcher, with the instance types closed that have no room for a further trial.

    How many open trials of the study use a type follows from the log. How many may, does not: it
    depends on other studies and on nodes, and is what the operator says at the time.

    Args:
        searcher: Who proposes.
        room: How many trials of the study each type can take, open ones included; a type that is
            left out has no limit. May raise BackendError.
    """

    def __init__(self, searcher: Searcher, room: Callable[[], Mapping[str, int]]) -> None:
        self._searcher = searcher
        self._room = room

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """What the other searcher proposes; what was left out is noted in its `why`."""
        closed = closed_types(history, room=self._room())
        found = self._searcher.suggest(replace(history, closed=closed), number=number, rng=rng)
        if found is None or not closed:
            return found
        return replace(found, why={**found.why, CLOSED: sorted(closed)})


def closed_types(history: History, *, room: Mapping[str, int]) -> frozenset[str]:
    """The types whose room the study's open trials take up; paused ones take up none."""
    running = history.open_trials - history.paused.keys()
    used = Counter(
        name
        for trial in history.trials
        if trial.name in running
        for name in set(trial.instance_types.values())
    )
    return frozenset(name for name, most in room.items() if used[name] >= most)


def room_of(
    types: Mapping[str, InstanceTypeSpec], *, scarce: Mapping[str, int]
) -> Mapping[str, int]:
    """How many trials each type can take: as told, else as the type says."""
    limits = {name: one.max_parallel_trials for name, one in types.items()}
    known = {name: most for name, most in limits.items() if most is not None}
    return {**known, **scarce}
