"""The seam of the search: what a searcher is asked and what it answers."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tuner.trial import Observation, ParameterValue, StageResult, Trial

StoredStages = Callable[[Mapping[str, ParameterValue], Mapping[str, str]], int]
"""How many leading stages of (parameters, instance type by stage) the stage cache holds, verified.

Asked for configurations of this and of other studies; cheap to ask again.
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Trials of a long study that a history leaves out: no more than that they were.

    Attributes:
        digests: Of the configurations of those that nobody keeps, 64 bits each, rising; see
            `configuration_digest`.
        passed_over: The same of those that are left out this time.
    """

    digests: array[int] = field(default_factory=lambda: array("Q"))
    passed_over: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.digests) + len(self.passed_over)

    def __contains__(self, digest: int) -> bool:
        place = bisect_left(self.digests, digest)
        known = place < len(self.digests) and self.digests[place] == digest
        return known or digest in self.passed_over

    def joined_by(self, digests: Iterable[int]) -> Forgotten:
        """These and some more that nobody keeps."""
        return Forgotten(array("Q", sorted([*self.digests, *digests])))

    def passing_over(self, digests: Iterable[int]) -> Forgotten:
        """These and some more that are left out this time."""
        return Forgotten(self.digests, frozenset(digests))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a worker knows when it proposes: the proposals and the observations in the log.

    Of thousands of trials a worker may keep a part; the last four attributes tell of all.

    Attributes:
        trials: Proposals of all workers, in the log's order.
        observations: What they showed, in the log's order.
        open_trials: Names of all trials that have not ended.
        paused: Trials that wait to be promoted, with the rung's fidelity; they are open.
        failed: Trials that ended without a full observation, with the reason's word.
        stages: By trial, open ones included: what its first look at each stage came to (run,
            restored from the cache, stopped, failed), in the order of the looks.
        started: How many trials have begun to run and count towards a bound of trials.
        spent_usd: What the attempts that have ended cost, of open trials too. What runs now is
            not in it.
        elapsed_seconds: For how long something of the study ran, as the log's times say; parallel
            trials count once, and a suspended study stands still.
        forgotten: The trials that `trials` leaves out; none in a study of some thousands.
        basis: Of a study that leaves trials out, those whose scales stand for all; they change
            when it has grown by a quarter. Empty without any.
        closed: Instance types on which no further trial could start now: proposals avoid them
            where there is a choice. Not all of it follows from the log (docs/hardware.md).
    """

    trials: Sequence[Trial] = ()
    observations: Sequence[Observation] = ()
    open_trials: frozenset[str] = frozenset()
    paused: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, tuple[StageResult, ...]] = field(default_factory=dict)
    started: int = 0
    spent_usd: float = 0.0
    elapsed_seconds: float = 0.0
    forgotten: Forgotten = field(default_factory=Forgotten)
    basis: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def with_open(self, trial: Trial) -> History:
        """The history after one more proposal."""
        return replace(
            self,
            trials=(*self.trials, trial),
            open_trials=self.open_trials | {trial.name},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Parameters and instance types to try, and why.

    Attributes:
        parameters: Of all stages.
        instance_types: By stage.
        why: The reasons, plain JSON.
        rungs_from: The fidelity from which on ending it at rungs saves enough; it begins in a
            bracket without those below.
    """

    parameters: Mapping[str, ParameterValue]
    instance_types: Mapping[str, str]
    why: Mapping[str, object] = field(default_factory=dict)
    rungs_from: float = 0.0


class Searcher(Protocol):
    """Proposes from the history alone: same seed, same history, same number, same proposal."""

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The `number`-th proposal of this worker; None when the space is exhausted.

        Args:
            history: What the log says now.
            number: Ordinal of the proposal among this worker's, from 0; never the same twice.
            rng: A generator made for this proposal from (seed, worker, number).
        """
