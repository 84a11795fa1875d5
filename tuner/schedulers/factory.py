"""The scheduler that a manifest, or the plan of a trial made from it, asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from tuner.errors import NotSupported
from tuner.schedulers._protocol import TrialScheduler
from tuner.schedulers.hyperband import MultiObjectiveHyperband, NoStopping

if TYPE_CHECKING:
    from tuner.pipeline.plan import TrialPlan
    from tuner.spec import TuningStudySpec

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


def make_scheduler(spec: TuningStudySpec) -> TrialScheduler:
    """The scheduler of a study.

    Raises:
        NotSupported: More than one bracket.
    """
    asked = spec.early_stopping
    if spec.fidelity is None or asked.type == "None":
        return NoStopping()
    if asked.brackets != 1:
        raise NotSupported("spec.scheduler.brackets: only 1 is supported")
    return MultiObjectiveHyperband(
        minimum=spec.fidelity.min,
        maximum=spec.fidelity.max,
        reduction_factor=asked.reduction_factor,
        minimize=_directions(rung_objectives(spec.objectives, stage=spec.fidelity.stage)),
    )


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
    )


def _directions(objectives: Sequence[RungObjective]) -> tuple[bool, ...]:
    return tuple(objective.minimize for objective in objectives)
