"""One scrambled Sobol sequence, shared by all workers without a word between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from tuner.searchers._protocol import History, Suggestion
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import DRAWS, Proposed, suggestion

NAME = "Sobol"
INDEX = "sobolIndex"
"""Under this name a trial's `why` says which point of the sequence it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolSearcher:
    """Takes the points of a Sobol sequence one after the other (Owen's scrambling by the seed).

    Worker w of W takes the least index not used yet that leaves the remainder w when divided by W,
    so no two workers take the same point, and together they fill the cube evenly. Points that
    decode to a configuration that was proposed already are passed over.

    Attributes:
        joint: Where it searches.
        seed: The study's seed.
        worker: The worker's ordinal.
        workers: How many workers there are.
    """

    joint: JointSpace
    seed: int
    worker: int
    workers: int

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """A new configuration; None once every one of a finite space was proposed."""
        joint = self.joint.without(history.closed)
        proposed = Proposed.of(history, joint=joint)
        if proposed.exhausted:
            return None
        seen = (trial.why.get(INDEX) for trial in history.trials)
        used = {index for index in seen if isinstance(index, int | float)}
        # Of a long study not all used points are told; this worker's proposals used one at most.
        first = number * self.workers if len(history.forgotten) else 0
        free = (
            index
            for index in count(first + self.worker % self.workers, self.workers)
            if index not in used
        )
        for index, point in self._points(islice(free, DRAWS)):
            configuration = joint.from_unit(point)
            if configuration not in proposed:
                why: dict[str, object] = {"searcher": NAME, INDEX: index}
                return suggestion(self.joint, configuration, why=why)
        last = proposed.any_left(rng)
        return suggestion(self.joint, last, why={"searcher": NAME}) if last else None

    def _points(self, indexes: Iterator[int]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Points of the sequence at rising indexes."""
        if not len(self.joint):
            yield from ((index, np.zeros(0)) for index in indexes)
            return
        from scipy.stats.qmc import Sobol  # importing it takes half a second

        sequence = Sobol(len(self.joint), scramble=True, rng=self.seed)
        for index in indexes:
            ahead = index - sequence.num_generated
            if ahead:
                sequence.fast_forward(ahead)
            yield index, sequence.random(1)[0]
