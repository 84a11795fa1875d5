"""What a pod's status says, as frozen facts in seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner_operator import moments
from tuner_operator.names import (
    AGENT,
    ATTEMPT_LABEL,
    BOUND,
    COMMAND,
    COMMAND_REASON,
    COMMAND_TIME,
    HOLD,
    STAGE,
    TRIAL_LABEL,
    Object,
    annotations_of,
    labels_of,
    owner_uid,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFacts:
    """One container: `state` is waiting, running, terminated, or empty at first.

    `last_message` is the termination message before a restart.
    """

    state: str = ""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started: float | None = None
    finished: float | None = None
    last_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """One attempt's pod.

    Attributes:
        gone: It no longer exists; the rest is what was seen of it last.
        deleting: When its grace period is over, if it is being deleted.
        disruption: Why the cluster ends it (condition DisruptionTarget, or TerminationTarget), if
            it does.
        scheduling: What the scheduler says while the pod has no node.
        gated: Whether a scheduling gate holds it back.
        bound: What its deadline enforces.
        hold: Whether it waits for a place.
        command: What it was told, when and why.
    """

    name: str
    uid: str
    trial: str
    trial_uid: str
    attempt: int
    created: float
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    gone: bool = False
    deleting: float | None = None
    disruption: str = ""
    scheduled: float | None = None
    scheduling: str = ""
    gated: bool = False
    node: str = ""
    stage: ContainerFacts = ContainerFacts()
    agent: ContainerFacts = ContainerFacts()
    bound: str = ""
    hold: bool = False
    command: str = ""
    command_time: float | None = None
    command_reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.gone or self.phase in ("Succeeded", "Failed") or self._done

    @property
    def _done(self) -> bool:
        """Whether agent and stage have ended in order, of which the phase tells a second later."""
        if self.reason or self.disruption or self.deleting is not None:
            return False
        containers = (self.agent, self.stage)
        return bool(self.agent.message) and all(
            one.state == "terminated" and one.exit_code == 0 for one in containers
        )

    @property
    def finished(self) -> float | None:
        """When its last container ended, as far as the kubelet says."""
        times = [one.finished for one in (self.stage, self.agent) if one.finished is not None]
        return max(times, default=None)


def read_pod(pod: Object, *, gone: bool = False) -> PodFacts:
    """The facts of a trial's pod."""
    meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    is_scheduled = scheduled.get("status") == "True"
    annotations = annotations_of(pod)
    labels = labels_of(pod)
    created = moments.parse(meta.get("creationTimestamp")) or 0.0
    # Kueue says so when it takes a workload's place away.
    disruption = conditions.get("DisruptionTarget") or conditions.get("TerminationTarget") or {}
    return PodFacts(
        name=meta["name"],
        uid=meta.get("uid", ""),
        trial=labels.get(TRIAL_LABEL, ""),
        trial_uid=owner_uid(pod) or "",
        attempt=int(labels.get(ATTEMPT_LABEL, "0")),
        created=created,
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        gone=gone,
        deleting=moments.parse(meta.get("deletionTimestamp")),
        disruption=_disruption(disruption),
        scheduled=moments.parse(scheduled.get("lastTransitionTime")) if is_scheduled else None,
        scheduling="" if is_scheduled else scheduled.get("message") or "",
        gated=scheduled.get("reason") == "SchedulingGated",
        node=spec.get("nodeName") or "",
        stage=_container(status.get("containerStatuses"), STAGE),
        agent=_container(status.get("initContainerStatuses"), AGENT),
        bound=annotations.get(BOUND, ""),
        hold=bool(annotations.get(HOLD)),
        command=annotations.get(COMMAND, ""),
        command_time=moments.parse(annotations.get(COMMAND_TIME)),
        command_reason=annotations.get(COMMAND_REASON, ""),
    )


def _disruption(condition: Mapping[str, Any]) -> str:
    if condition.get("status") != "True":
        return ""
    return condition.get("message") or condition.get("reason") or "disrupted"


def _container(statuses: Any, name: str) -> ContainerFacts:
    status = next((one for one in statuses or () if one.get("name") == name), None)
    for state, said in ((status or {}).get("state") or {}).items():
        said = said or {}
        return ContainerFacts(
            state=state,
            reason=said.get("reason") or "",
            message=said.get("message") or "",
            exit_code=said.get("exitCode"),
            started=moments.parse(said.get("startedAt")),
            finished=moments.parse(said.get("finishedAt")),
            last_message=_last_message(status),
        )
    return ContainerFacts()


def _last_message(status: Any) -> str:
    ended = ((status or {}).get("lastState") or {}).get("terminated") or {}
    return ended.get("message") or ""
