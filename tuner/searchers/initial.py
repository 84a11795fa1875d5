"""The study's initial trials, before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.errors import SpaceError
from tuner.searchers._protocol import History, Searcher, Suggestion
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import suggestion
from tuner.spec import InitialTrial

NAME = "initialTrials"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialTrialsFirst:
    """Proposes the initial trials that are this worker's, then what another searcher says.

    Initial trial i belongs to worker i mod W. What an initial trial leaves open is drawn at random.

    Attributes:
        joint: Where they must lie.
        trials: The initial trials.
        worker: The worker's ordinal.
        workers: How many workers there are.
        searcher: Who goes on.
    """

    joint: JointSpace
    trials: Sequence[InitialTrial]
    worker: int
    workers: int
    searcher: Searcher

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next initial trial that nobody proposed yet, else the other searcher's answer.

        Raises:
            SpaceError: The initial trial is not in the search space.
        """
        done = {
            trial.why.get("name") for trial in history.trials if trial.why.get("searcher") == NAME
        }
        for index, trial in enumerate(self.trials):
            if index % self.workers == self.worker % self.workers and trial.name not in done:
                return self._as_suggestion(trial, self.joint.without(history.closed), rng)
        return self.searcher.suggest(history, number=number, rng=rng)

    def _as_suggestion(
        self, trial: InitialTrial, joint: JointSpace, rng: np.random.Generator
    ) -> Suggestion:
        try:
            configuration = joint.complete(
                trial.parameters,
                instance_types=trial.instance_types or {},
                unit=rng.random(len(joint)),
            )
        except SpaceError as error:
            raise SpaceError(f"spec.initialTrials[{trial.name}]: {error}") from None
        return suggestion(self.joint, configuration, why={"searcher": NAME, "name": trial.name})
