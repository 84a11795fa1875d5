"""Everything that one reconciliation of a study looks at, as a frozen view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from tuner.pipeline import AgentResult
from tuner.spec.instance_type import InstanceTypeSpec, InstanceTypeStatus
from tuner.spec.status import TuningStudyStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrialSpec, TuningTrialStatus
from tuner.study.summary import Summary
from tuner.study.verdict import Verdict
from tuner.study.wear import Wear
from tuner.transfer.record import TransferRecord
from tuner_operator.actions import Question, Ref
from tuner_operator.names import Object
from tuner_operator.pod_facts import PodFacts
from tuner_operator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """The study itself; `spec` is None if it does not fit the model, `problem` says why."""

    ref: Ref
    spec: TuningStudySpec | None
    status: TuningStudyStatus
    generation: int
    created: float
    labels: Mapping[str, str] = field(default_factory=dict)
    deleting: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """One TuningTrial; `gone`: deleted, and this is what was seen of it last.

    `promoted` is the highest rung from which a worker promoted it, 0 before the first.
    """

    ref: Ref
    spec: TuningTrialSpec | None
    status: TuningTrialStatus
    generation: int
    created: float
    owner_uid: str
    gone: bool = False
    deleting: bool = False
    problem: str = ""
    promoted: float = 0.0

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """How the object store answered last; `reason` is a condition's reason, empty while unknown."""

    reachable: bool | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """What the study's log said when it was read last.

    Attributes:
        ended: Trials that have ended by the log's account, with their verdicts by attempt.
        exhausted: Workers with nothing left to propose.
        idle: How many workers have nothing left to propose or to promote.
        summary: Front, best, savings.
        transfer: What the workers learned from earlier studies; None before they said so.
        wear: By instance type, how long trials ran and how much of it was lost to preemption.
        leaving: Trials and attempts with a result that ends them and no verdict yet.
    """

    ended: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)
    exhausted: frozenset[int] = frozenset()
    idle: int = 0
    summary: Summary | None = None
    transfer: TransferRecord | None = None
    wear: Mapping[str, Wear] = field(default_factory=dict)
    leaving: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """The answer to `LastSign`: when the agent last wrote, and the result if one was stored."""

    seen: float | None = None
    result: AgentResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The API server forbade a pod: why, and when to ask again (seconds since the epoch)."""

    message: str
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeUse:
    """How trials use one instance type; times in seconds since the epoch.

    Attributes:
        running: Attempts in flight.
        waiting_since: When the first of them that has found no node began to wait.
        withdrawn_at: When a trial was last given up for want of a node.
        moved_at: When a trial last got a place on it, or left one.
    """

    running: int = 0
    waiting_since: float | None = None
    withdrawn_at: float | None = None
    moved_at: float | None = None

    def __add__(self, other: TypeUse) -> TypeUse:
        return TypeUse(
            running=self.running + other.running,
            waiting_since=_either(min, self.waiting_since, other.waiting_since),
            withdrawn_at=_either(max, self.withdrawn_at, other.withdrawn_at),
            moved_at=_either(max, self.moved_at, other.moved_at),
        )


def _either(
    pick: Callable[[float, float], float], left: float | None, right: float | None
) -> float | None:
    if left is None or right is None:
        return right if left is None else left
    return pick(left, right)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One study and all that concerns it.

    Attributes:
        now: Seconds since the epoch.
        study: The study.
        trials: Its trials by name.
        pods: Facts of its trials' pods by pod name, vanished ones as last seen.
        children: Its other objects by (kind, name).
        instance_types: All of the cluster by name.
        type_usage: Trials of other studies that run on a type.
        type_use: How the trials of all studies use a type.
        type_status: The types' own status.
        nodes: Facts of nodes by name: labels.
        nodes_ready: Names of nodes that are ready.
        store: How the store answers.
        log: None until the log has been read.
        answers: To what earlier passes asked.
        refused: Pods by name that the API server forbade.
        settings: Of the installation.
    """

    now: float
    study: StudyView
    settings: Settings
    trials: Mapping[str, TrialView] = field(default_factory=lambda: MappingProxyType({}))
    pods: Mapping[str, PodFacts] = field(default_factory=lambda: MappingProxyType({}))
    children: Mapping[tuple[str, str], Object] = field(default_factory=lambda: MappingProxyType({}))
    instance_types: Mapping[str, InstanceTypeSpec] = field(
        default_factory=lambda: MappingProxyType({})
    )
    instance_labels: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    type_usage: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    type_use: Mapping[str, TypeUse] = field(default_factory=lambda: MappingProxyType({}))
    type_status: Mapping[str, InstanceTypeStatus] = field(
        default_factory=lambda: MappingProxyType({})
    )
    nodes: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    nodes_ready: frozenset[str] = frozenset()
    store: StoreView = StoreView()
    log: LogView | None = None
    answers: Mapping[Question, object] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[str, Refused] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def open_trials(self) -> tuple[TrialView, ...]:
        """Trials that have not ended, oldest first."""
        return tuple(
            sorted(
                (
                    one
                    for one in self.trials.values()
                    if one.status.state is None or not one.status.state.is_final
                ),
                key=lambda one: (one.created, one.name),
            )
        )
