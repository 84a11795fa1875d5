"""What can be had from a cache without any model: random completions of the front's prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tuner.pareto import pareto_front
from tuner.searchers import History, Suggestion
from tuner.searchers.joint import JointSpace
from tuner.searchers.proposed import DRAWS, Proposed, suggestion
from tuner.spec import TuningStudySpec
from tuner.trial import ParameterValue, Trial

NAME = "random completions"


@dataclass(frozen=True, kw_only=True)
class CompletionSearcher:
    """Control: stages of a trial on the front up to one drawn at random, the rest drawn anew.

    The instance types are drawn anew, too: stages are found in the cache whatever they run on.

    Attributes:
        spec: The study.
        joint: Its space.
    """

    spec: TuningStudySpec
    joint: JointSpace

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """The next configuration; it repeats itself where nothing new is found."""
        proposed, front = Proposed.of(history, joint=self.joint), self.front(history)
        for _ in range(DRAWS):
            kept = self._kept(front[rng.integers(len(front))], rng) if front else {}
            unit = rng.random(len(self.joint))
            found = self.joint.complete(kept, instance_types={}, unit=unit)
            if found not in proposed:
                break
        return suggestion(self.joint, found, why={"searcher": NAME})

    def front(self, history: History) -> list[Trial]:
        """The trials that no other is better than in every objective."""
        full = [one for one in history.observations if one.full]
        objectives = self.spec.objectives
        values = [[one.metrics[each.metric] for each in objectives] for one in full]
        best = pareto_front(values, minimize=[each.minimize for each in objectives])
        trials = {trial.name: trial for trial in history.trials}
        return [trials[full[index].trial] for index in best]

    def _kept(self, trial: Trial, rng: np.random.Generator) -> Mapping[str, ParameterValue]:
        stages = list(self._parameters())
        names = {name for own in stages[: rng.integers(len(stages))] for name in own}
        return {name: value for name, value in trial.parameters.items() if name in names}

    def _parameters(self) -> Iterator[tuple[str, ...]]:
        """Of each stage, the parameters that it reads."""
        for stage in self.spec.pipeline.stages:
            yield tuple(self.joint.space.names if stage.parameters is None else stage.parameters)
