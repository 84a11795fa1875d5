"""What a manifest asks of a study, in the form that the state machine and the summary need.

Plain frozen values in seconds and USD; `terms_of` makes them from the manifest's model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tuner.spec.quantities import duration_seconds
from tuner.spec.study import TuningStudySpec
from tuner.trial import TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveTerm:
    """One objective: a metric, which way is better, and when it is good enough."""

    metric: str
    minimize: bool = True
    goal: float | None = None

    def meets_goal(self, value: float) -> bool:
        """Whether the value is at least as good as the goal; True without a goal."""
        if self.goal is None:
            return True
        return value <= self.goal if self.minimize else value >= self.goal


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintTerm:
    """The bounds that a metric must keep for a trial to be feasible.

    Attributes:
        metric: Its name.
        minimum: The least value allowed.
        maximum: The greatest value allowed.
        stage: Whose value it is, where several stages report the metric; None for the trial's.
    """

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    stage: str | None = None

    def value(self, result: TrialResult) -> float | None:
        """The value that is bounded; of built-in metrics, which no stage reports, the trial's."""
        reported = {one.stage: one.metrics for one in result.stages}.get(self.stage or "", {})
        return reported.get(self.metric, result.metrics.get(self.metric))

    def holds(self, value: float | None) -> bool:
        """Whether the value keeps the bounds; a metric that is missing does not."""
        if value is None:
            return False
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a study may use up. None: without that bound.

    Attributes:
        max_trials: How many trials may be started.
        max_cost_usd: What all trials together may cost.
        max_seconds: On the study's clock, which starts with the first trial and stands still
            while the study is suspended.
        deadline: Seconds since the epoch.
    """

    max_trials: int | None = None
    max_cost_usd: float | None = None
    max_seconds: float | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLimits:
    """What one trial may use up. None: without that bound."""

    max_seconds: float | None = None
    max_cost_usd: float | None = None
    max_attempts: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A study's terms.

    Attributes:
        objectives: In the manifest's order; the first one names the best trial.
        constraints: All must hold for a trial to be feasible.
        fidelity_max: Full fidelity; 1.0 without fidelity.
        budget: Of the study.
        limits: Of each trial.
        parallel_trials: How many trials may run at once.
        max_failed_trials: The study ends when that many have failed; None for no bound.
        suspended: Whether nothing shall run.
    """

    objectives: tuple[ObjectiveTerm, ...]
    constraints: tuple[ConstraintTerm, ...] = ()
    fidelity_max: float = 1.0
    budget: Budget = field(default_factory=Budget)
    limits: TrialLimits = field(default_factory=TrialLimits)
    parallel_trials: int = 1
    max_failed_trials: int | None = None
    suspended: bool = False


def terms_of(spec: TuningStudySpec) -> Terms:
    """The terms of a manifest."""
    return Terms(
        objectives=tuple(
            ObjectiveTerm(metric=one.metric, minimize=one.minimize, goal=one.goal)
            for one in spec.objectives
        ),
        constraints=tuple(
            ConstraintTerm(metric=one.metric, minimum=one.min, maximum=one.max, stage=one.stage)
            for one in spec.constraints or ()
        ),
        fidelity_max=1.0 if spec.fidelity is None else float(spec.fidelity.max),
        budget=_budget(spec),
        limits=TrialLimits(
            max_seconds=_seconds(spec.trial_limits.max_duration),
            max_cost_usd=spec.trial_limits.max_cost,
            max_attempts=spec.trial_limits.max_attempts,
        ),
        parallel_trials=spec.parallel_trials,
        max_failed_trials=spec.max_failed_trials,
        suspended=spec.suspend,
    )


def _budget(spec: TuningStudySpec) -> Budget:
    budget = spec.budget
    return Budget(
        max_trials=budget.max_trials,
        max_cost_usd=budget.max_cost,
        max_seconds=_seconds(budget.max_duration),
        deadline=None if budget.deadline is None else budget.deadline.timestamp(),
    )


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else duration_seconds(duration)
