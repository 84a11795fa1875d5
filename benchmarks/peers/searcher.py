"""A library with ask and tell, seen by the worker loop as a Searcher."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.peers.flat import Flat, FlatSpace
from tuner.searchers import History, Suggestion
from tuner.searchers.joint import Key
from tuner.spec import BUILT_IN, Objective
from tuner.trial import Observation, Trial


class Library(Protocol):
    """What a peer has to offer. Everything is minimised."""

    def ask(self) -> tuple[Flat, object]:
        """The next configuration, and by what the library knows it."""

    def tell(self, flat: Flat, values: Sequence[float] | None, *, asked: object | None) -> None:
        """What came of a configuration.

        Args:
            flat: The configuration.
            values: Its objectives, to be minimised; None where it failed.
            asked: What `ask` gave with it; None for a configuration of somebody else.
        """


@dataclass(kw_only=True)
class PeerSearcher:
    """Tells a library what is new in the history, then asks it.

    The built-in objectives, seconds and dollars, go in as logarithms: they span decades, and no
    peer would model them well otherwise. Unlike the project's own searchers it has a state.

    Attributes:
        name: What to call it.
        library: The peer.
        flat: The study's space as the peer sees it.
        objectives: The study's, in order.
    """

    name: str
    library: Library
    flat: FlatSpace
    objectives: Sequence[Objective]
    _asked: dict[Key, list[object]] = field(default_factory=lambda: defaultdict(list))
    _told: set[str] = field(default_factory=set)

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The library's next configuration; it may repeat itself."""
        for trial, values in self._news(history):
            self._tell(trial, values)
        flat, asked = self.library.ask()
        configuration = self.flat.configuration(flat)
        self._asked[self.flat.joint.key(configuration)].append(asked)
        return Suggestion(
            parameters=configuration.parameters,
            instance_types=self.flat.joint.choices.assign(configuration.chosen),
            why={"searcher": self.name},
        )

    def _news(self, history: History) -> Iterator[tuple[Trial, tuple[float, ...] | None]]:
        trials = {trial.name: trial for trial in history.trials}
        for observation in history.observations:
            if observation.full and observation.trial not in self._told:
                self._told.add(observation.trial)
                yield trials[observation.trial], self._values(observation)
        for name in history.failed:
            if name not in self._told:
                self._told.add(name)
                yield trials[name], None

    def _tell(self, trial: Trial, values: tuple[float, ...] | None) -> None:
        handles = self._asked[self.flat.joint.trial_key(trial)]
        asked = handles.pop(0) if handles else None
        self.library.tell(self.flat.of_trial(trial), values, asked=asked)

    def _values(self, observation: Observation) -> tuple[float, ...] | None:
        values = tuple(_minimised(each, observation.metrics) for each in self.objectives)
        return values if all(map(math.isfinite, values)) else None


def _minimised(objective: Objective, metrics: Mapping[str, float]) -> float:
    value = metrics.get(objective.metric, math.nan)
    if objective.metric in BUILT_IN:
        return math.log(max(value, 1e-9))
    return value if objective.minimize else -value
