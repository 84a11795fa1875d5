"""What a run came to, read back from the study log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.log import StudyLog
from tuner.study.chronicle import Chronicle, Story
from tuner.trial import ParameterValue, StageOutcome, StageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTrace:
    """One trial.

    Attributes:
        name: Of the trial.
        worker: Which worker proposed it.
        number: Ordinal among that worker's proposals.
        warm_up: Whether it belongs to the warm-up.
        parameters: Its configuration.
        instance_types: By stage.
        state: Completed, Stopped (at a rung or at the end of the budget), Failed or Cancelled.
        reason: The word for it.
        fidelity: Reached.
        metrics: As far as they are known; built-ins are from scratch.
        curve: Metrics reported by the fidelity stage, by fidelity.
        seconds: Charged: stages run here, and restores.
        usd: Charged.
        full_seconds: First-run seconds by stage, cached or not.
        cached: Stages taken from the cache, in order.
        start: Virtual seconds since the run began, of its first attempt.
        end: The same, of its end.
        proposal_seconds: CPU seconds of its proposal; 0 in the warm-up.
        why: What the searcher said.
    """

    name: str
    worker: int
    number: int
    warm_up: bool
    parameters: Mapping[str, ParameterValue]
    instance_types: Mapping[str, str]
    state: str
    reason: str
    fidelity: float
    metrics: Mapping[str, float]
    curve: Mapping[float, Mapping[str, float]]
    seconds: float
    usd: float
    full_seconds: Mapping[str, float]
    cached: tuple[str, ...]
    start: float
    end: float
    proposal_seconds: float
    why: Mapping[str, object]

    @property
    def completed(self) -> bool:
        """Whether it ran to the end of the pipeline at full fidelity."""
        return self.state == "Completed"

    @property
    def full_run_seconds(self) -> float:
        """What its stages take from scratch, all together."""
        return sum(self.full_seconds.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One run.

    Attributes:
        problem: Its name.
        method: The searcher's name.
        seed: Of the run.
        cached: Whether stages were used again.
        end: Why the study ended.
        trials: In the order of their ends.
    """

    problem: str
    method: str
    seed: int
    cached: bool
    end: str
    trials: tuple[TrialTrace, ...]

    @property
    def completed(self) -> tuple[TrialTrace, ...]:
        """Trials that ran to their end, in order."""
        return tuple(trial for trial in self.trials if trial.completed)

    @property
    def after_warm_up(self) -> tuple[TrialTrace, ...]:
        """Completed trials that the searcher proposed."""
        return tuple(trial for trial in self.completed if not trial.warm_up)

    @property
    def proposal_seconds(self) -> float:
        """CPU seconds of all proposals."""
        return sum(trial.proposal_seconds for trial in self.trials)

    @property
    def spent_usd(self) -> NDArray[np.float64]:
        """Dollars spent up to the end of each trial, shape (n,), by end."""
        return np.cumsum([trial.usd for trial in self.trials])

    @property
    def hit_rate(self) -> float:
        """Share of the trials after the warm-up that took at least one stage from the cache."""
        own = self.after_warm_up
        return sum(bool(trial.cached) for trial in own) / len(own) if own else 0.0

    def best_so_far(self, metric: str, *, minimize: bool = True) -> NDArray[np.float64]:
        """The best completed value up to each trial, shape (n,); infinite (the bad way) before."""
        sign = 1.0 if minimize else -1.0
        values = [
            sign * trial.metrics[metric] if trial.completed else np.inf for trial in self.trials
        ]
        return sign * np.minimum.accumulate(np.asarray(values, dtype=float))

    def usd_to(self, metric: str, value: float, *, minimize: bool = True) -> float:
        """Dollars until a completed trial is at least that good; infinite if none was."""
        best = self.best_so_far(metric, minimize=minimize)
        reached = best <= value if minimize else best >= value
        return float(self.spent_usd[np.argmax(reached)]) if reached.any() else float("inf")


def trace_of(
    log: StudyLog,
    *,
    problem: str,
    method: str,
    seed: int,
    cached: bool,
    began: float,
    end: str,
    proposals: Mapping[tuple[int, int], float],
    warm_up: str,
) -> Trace:
    """Reads a run's log.

    Args:
        log: Of the study.
        problem: Its name.
        method: The searcher's name.
        seed: Of the run.
        cached: Whether stages were used again.
        began: Virtual seconds since the epoch at which the run began.
        end: Why the study ended.
        proposals: CPU seconds by worker and number.
        warm_up: What `why` says of the trials of the warm-up.
    """
    chronicle = Chronicle()
    chronicle.add(log.read_all())
    trials = [
        _trial(story, began=began, proposals=proposals, warm_up=warm_up)
        for story in chronicle.stories
        if story.verdicts
    ]
    return Trace(
        problem=problem,
        method=method,
        seed=seed,
        cached=cached,
        end=end,
        trials=tuple(sorted(trials, key=lambda one: (one.end, one.worker, one.number))),
    )


def _trial(
    story: Story, *, began: float, proposals: Mapping[tuple[int, int], float], warm_up: str
) -> TrialTrace:
    trial, accepted = story.trial, story.accepted
    if trial is None:
        raise ValueError(f"the log has no proposal of {story.name}")
    results: tuple[StageResult, ...] = () if accepted is None else accepted.stages
    starts = [one.start for one in story.verdicts.values() if one.start]
    return TrialTrace(
        name=story.name,
        worker=trial.worker,
        number=trial.number,
        warm_up=trial.why.get("searcher") == warm_up,
        parameters=trial.parameters,
        instance_types=trial.instance_types,
        state=str(story.state),
        reason=story.reason,
        fidelity=0.0 if accepted is None else accepted.fidelity,
        metrics={} if accepted is None else accepted.metrics,
        curve={level: seen[-1] for level, seen in sorted(story.curve.items())},
        seconds=story.seconds,
        usd=story.cost_usd,
        full_seconds={one.stage: one.first_run_seconds for one in results},
        cached=tuple(one.stage for one in results if one.outcome is StageOutcome.CACHED),
        start=min(starts, default=story.ended) - began,
        end=story.ended - began,
        proposal_seconds=proposals.get((trial.worker, trial.number), 0.0),
        why=trial.why,
    )
