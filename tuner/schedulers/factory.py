"""The scheduler that a manifest, or the plan of a trial made from it, asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from tuner.errors import SchedulerError
from tuner.schedulers._protocol import TrialScheduler
from tuner.schedulers.brackets import bracket_levels, bracket_weights, choose_bracket
from tuner.schedulers.hyperband import MultiObjectiveHyperband, NoStopping

if TYPE_CHECKING:
    from tuner.pipeline.plan import TrialPlan
    from tuner.spec import TuningStudySpec

MOST_BRACKETS = 8
"""As many as a trial can be in."""

_BUILT_IN = frozenset({"cost", "runtime"})


class RungObjective(Protocol):
    """What must be known of an objective to compare it: the spec's and the plan's both fit."""

    @property
    def metric(self) -> str:
        """The metric's name."""

    @property
    def stage(self) -> str | None:
        """The stage that reports it; None for any."""

    @property
    def minimize(self) -> bool:
        """Whether lower is better."""


T = TypeVar("T", bound=RungObjective)


def rung_objectives(objectives: Sequence[T], *, stage: str) -> tuple[T, ...]:
    """The objectives compared at rungs, in order: what the fidelity stage reports, and built-ins.

    An objective that names no stage may be reported by any and is compared; where no trial of a
    rung has it, the order of the rung leaves it out.

    Args:
        objectives: All objectives of the study.
        stage: The fidelity stage.
    """
    return tuple(
        each for each in objectives if each.metric in _BUILT_IN or each.stage in (None, stage)
    )


def make_scheduler(spec: TuningStudySpec, *, bracket: int = 0) -> TrialScheduler:
    """The scheduler of a study's trials in one bracket.

    Raises:
        SchedulerError: The study has no such bracket.
    """
    asked, levels = spec.early_stopping, brackets_of(spec)
    if not 0 <= bracket < len(levels):
        raise SchedulerError(f"bracket {bracket}: the study has {len(levels)}")
    if spec.fidelity is None or not levels[bracket]:
        return NoStopping()
    return MultiObjectiveHyperband(
        minimum=levels[bracket][0],
        maximum=spec.fidelity.max,
        reduction_factor=asked.reduction_factor,
        minimize=_directions(rung_objectives(spec.objectives, stage=spec.fidelity.stage)),
        promotes=asked.variant == "Promotion",
    )


def brackets_of(spec: TuningStudySpec) -> list[tuple[float, ...]]:
    """The rungs of each of a study's brackets; one without rungs where nothing is stopped.

    All that there can be: proposals begin in as many as the manifest asks for, and beyond them
    where earlier rungs would save too little.
    """
    asked = spec.early_stopping
    if spec.fidelity is None or asked.type == "None":
        return [()]
    levels = bracket_levels(
        spec.fidelity.min, spec.fidelity.max, asked.reduction_factor, brackets=MOST_BRACKETS - 1
    )
    return levels if not levels[-1] else [*levels, ()]


def bracket_of(spec: TuningStudySpec, *, worker: int, number: int) -> int:
    """The bracket in which a worker's n-th proposal begins."""
    levels = brackets_of(spec)[: spec.early_stopping.brackets]
    weights = bracket_weights(levels, spec.early_stopping.reduction_factor)
    return choose_bracket(weights, seed=spec.searcher.seed, worker=worker, number=number)


def scheduler_for(plan: TrialPlan) -> TrialScheduler:
    """The scheduler that an agent decides with: the same as `make_scheduler` of its study."""
    fidelity = plan.fidelity
    if fidelity is None or not fidelity.rungs:
        return NoStopping()
    return MultiObjectiveHyperband(
        minimum=fidelity.rungs[0],
        maximum=fidelity.maximum,
        reduction_factor=fidelity.reduction_factor,
        minimize=_directions(rung_objectives(plan.objectives, stage=fidelity.stage)),
        promotes=fidelity.promotes,
    )


def _directions(objectives: Sequence[RungObjective]) -> tuple[bool, ...]:
    return tuple(objective.minimize for objective in objectives)
