"""What a study is like, wherever it runs: what the verbs print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tuner.spec import StudyState, TuningStudySpec
from tuner.study.summary import Point, Summary
from tuner.trial import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """A study as it stands.

    Attributes:
        name: Its name.
        namespace: Its namespace; `local` for `tuner run`.
        spec: What was asked for.
        state: For display.
        reason: Why it stands so, in one word.
        message: The same in one sentence.
        finished: Whether it has ended.
        summary: What it came to so far; in brief reports its front may be cut.
        front_size: How many points the whole front has.
        baseline: The first initial trial, if it completed.
    """

    name: str
    namespace: str
    spec: TuningStudySpec
    state: StudyState
    summary: Summary
    front_size: int
    reason: str = ""
    message: str = ""
    finished: bool = False
    baseline: Point | None = None

    @property
    def nothing_feasible(self) -> bool:
        """Whether the study ended without a feasible trial."""
        return self.finished and not self.summary.front

    def to_json(self) -> dict[str, object]:
        """The summary's shape, with how the study stands."""
        return {
            **self.summary.to_json(),
            "namespace": self.namespace,
            "state": str(self.state),
            "reason": self.reason,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """A trial as it stands.

    Attributes:
        name: Its name.
        state: Of `tuner.spec.TrialState`.
        reason: Why, in one word.
        message: Why, in one sentence.
        parameters: Active ones by name.
        instance_types: By stage.
        fidelity: Reached so far; None before the first report.
        objectives: By metric, as far as they are known.
        cost: USD paid so far.
        seconds: From scratch; None if not known.
        label: The name of the initial trial that it is, else empty.
        cached: Stages taken from the cache.
    """

    name: str
    state: str
    reason: str = ""
    message: str = ""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    instance_types: Mapping[str, str] = field(default_factory=dict)
    fidelity: float | None = None
    objectives: Mapping[str, float] = field(default_factory=dict)
    cost: float = 0.0
    seconds: float | None = None
    label: str = ""
    cached: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The shape of `-o json`."""
        shape: dict[str, object] = asdict(self)
        shape["trial"] = shape.pop("name")
        shape["instanceTypes"] = shape.pop("instance_types")
        shape["cached"] = list(self.cached)
        return {key: shape[key] for key in sorted(shape, key=_position)}


_ORDER = ("trial", "label", "state", "reason", "message", "parameters", "instanceTypes")


def _position(key: str) -> tuple[int, str]:
    return (_ORDER.index(key), "") if key in _ORDER else (len(_ORDER), key)


def baseline_of(row: TrialRow) -> Point:
    """A completed initial trial as something to compare with."""
    return Point(
        trial=row.name,
        label=row.label,
        parameters=row.parameters,
        instance_types=row.instance_types,
        objectives=row.objectives,
    )


def initial_name(why: Mapping[str, object]) -> str:
    """The name of the initial trial that a proposal is, else empty."""
    name = why.get("name")
    return name if isinstance(name, str) else ""


def main_stage(spec: TuningStudySpec) -> str:
    """The stage whose instance type matters most: that of the fidelity, else a chosen one."""
    if spec.fidelity is not None:
        return spec.fidelity.stage
    open_stages = [stage.name for stage in spec.pipeline.stages if stage.hardware is None]
    return (open_stages or [stage.name for stage in spec.pipeline.stages])[-1]
