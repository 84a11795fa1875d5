"""What has been proposed already, so that nothing is tried twice while there is something else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.searchers._protocol import History, Suggestion
from tuner.searchers.joint import Configuration, JointSpace, Key

DRAWS = 1000
"""How many points are looked at for one that is new, before a finite space is listed."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The configurations of a study's trials.

    Attributes:
        joint: Where they lie.
        keys: Their keys.
    """

    joint: JointSpace
    keys: frozenset[Key]

    @classmethod
    def of(cls, history: History, *, joint: JointSpace) -> Proposed:
        """Those of all trials in the history."""
        return cls(joint, frozenset(joint.trial_key(trial) for trial in history.trials))

    @property
    def exhausted(self) -> bool:
        """Whether nothing new is left.

        Trials of earlier instance types may be among the proposed, so counting is not enough.
        """
        size = self.joint.cardinality
        return size is not None and len(self.keys) >= size and not self._left()

    def __contains__(self, configuration: Configuration) -> bool:
        return self.joint.key(configuration) in self.keys

    def any_left(self, rng: np.random.Generator) -> Configuration | None:
        """One of the configurations of a finite space that are left, if any is."""
        left = self._left() if self.joint.cardinality is not None else []
        return left[int(rng.integers(len(left)))] if left else None

    def _left(self) -> list[Configuration]:
        return [each for each in self.joint.configurations() if each not in self]


def suggestion(
    joint: JointSpace, configuration: Configuration, *, why: dict[str, object]
) -> Suggestion:
    """A configuration as the answer of a searcher."""
    return Suggestion(
        parameters=configuration.parameters,
        instance_types=joint.choices.assign(configuration.chosen),
        why=why,
    )
