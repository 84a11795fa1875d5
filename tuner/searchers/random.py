"""Independent uniform draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.searchers._protocol import History, Suggestion
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import DRAWS, Proposed, suggestion

NAME = "Random"


@dataclass(frozen=True, slots=True)
class RandomSearcher:
    """Draws parameters and instance types uniformly, anew for each proposal.

    Attributes:
        joint: Where it searches.
    """

    joint: JointSpace

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """A new configuration; None once every one of a finite space was proposed."""
        joint = self.joint.without(history.closed)
        proposed = Proposed.of(history, joint=joint)
        if proposed.exhausted:
            return None
        for _ in range(DRAWS):
            configuration = joint.from_unit(rng.random(len(joint)))
            if configuration not in proposed:
                return suggestion(self.joint, configuration, why={"searcher": NAME})
        last = proposed.any_left(rng)
        return suggestion(self.joint, last, why={"searcher": NAME}) if last else None
