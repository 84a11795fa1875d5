"""What has been proposed already, so that nothing is tried twice while there is something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from tuner.searchers._protocol import Forgotten, History, Suggestion
from tuner.searchers.joint import Configuration, JointSpace, Key
from tuner.trial import ParameterValue

DRAWS = 1000
"""How many points are looked at for one that is new, before a finite space is listed."""


UNTRIED = frozenset({"Unschedulable", "Scarce"})
"""Reasons of trials that were withdrawn before anything ran: they may be proposed again."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The configurations of a study's trials.

    Attributes:
        joint: Where they lie.
        keys: Their keys.
        forgotten: Those of trials that the history leaves out.
    """

    joint: JointSpace
    keys: frozenset[Key]
    forgotten: Forgotten = field(default_factory=Forgotten)

    @classmethod
    def of(cls, history: History, *, joint: JointSpace) -> Proposed:
        """Those of all trials in the history, but for those that were given up untried."""
        keys = frozenset(
            joint.trial_key(trial)
            for trial in history.trials
            if history.failed.get(trial.name) not in UNTRIED
        )
        return cls(joint, keys, history.forgotten)

    @property
    def exhausted(self) -> bool:
        """Whether nothing new is left.

        Trials of earlier instance types may be among the proposed, so counting is not enough.
        """
        size = self.joint.cardinality
        known = len(self.keys) + len(self.forgotten)
        return size is not None and known >= size and not self._left()

    def __contains__(self, configuration: Configuration) -> bool:
        if self.joint.key(configuration) in self.keys:
            return True
        if not len(self.forgotten):
            return False
        types = self.joint.choices.assign(configuration.chosen)
        return configuration_digest(configuration.parameters, types) in self.forgotten

    def any_left(self, rng: np.random.Generator) -> Configuration | None:
        """One of the configurations of a finite space that are left, if any is; open ones first."""
        left = self._left() if self.joint.cardinality is not None else []
        left = [each for each in left if self.joint.is_open(each)] or left
        return left[int(rng.integers(len(left)))] if left else None

    def _left(self) -> list[Configuration]:
        return [each for each in self.joint.configurations() if each not in self]


def configuration_digest(
    parameters: Mapping[str, ParameterValue], instance_types: Mapping[str, str]
) -> int:
    """64 bits that tell a configuration from others, from its typed parameters and its types."""
    text = repr((sorted(parameters.items()), sorted(instance_types.items())))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def suggestion(
    joint: JointSpace, configuration: Configuration, *, why: dict[str, object]
) -> Suggestion:
    """A configuration as the answer of a searcher."""
    return Suggestion(
        parameters=configuration.parameters,
        instance_types=joint.choices.assign(configuration.chosen),
        why=why,
    )
