"""How an attempt ended: the table of docs/design/0001 as one pure function."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.errors import PipelineError
from tuner.pipeline import HOLD_ENDED, AgentResult
from tuner.spec.trial import TrialState
from tuner.study.budget import Bound
from tuner.trial import Command, Outcome, StageOutcome
from tuner_operator.pod_facts import PodFacts

RUNG = "Rung"
OUT_OF_MEMORY = "OutOfMemory"
TRIAL_LIMIT = "TrialLimit"
BUDGET = "Budget"
UNSCHEDULABLE = "Unschedulable"
START_ERROR = "StartError"
IMAGE_PULL = "ImagePull"
CONTAINER_CONFIG = "ContainerConfig"
NEVER_STARTED = "NeverStarted"
MAX_ATTEMPTS = "MaxAttempts"
NEXT_SEGMENT = "NextSegment"
PREFIX_MISSING = "PrefixMissing"
POD_GONE = "PodGone"
NODE_LOST = "NodeLost"
DISRUPTED = "Disrupted"
EVICTED = "Evicted"
AGENT_KILLED = "AgentKilled"
STORE_LOST = "StoreLost"
YIELDED = "Yielded"
"""A pod that was made ahead gave way to somebody who waits for its room."""

USER_MUST_ACT = frozenset({START_ERROR, IMAGE_PULL, CONTAINER_CONFIG, NEVER_STARTED})
"""Reasons that no other proposal can mend."""

LAST_LINES = 10
LAST_CHARACTERS = 700
"""Of a failed stage's output, in the message of its trial."""

_START_REASONS = frozenset({"StartError", "ContainerCannotRun", "CreateContainerError"})
_IMAGE_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
_CONFIG_REASONS = frozenset({"CreateContainerConfigError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What follows from the end of an attempt.

    Attributes:
        state: The trial's state from here on; Starting means: again.
        reason: One word.
        message: One sentence for people.
        infrastructure: Whether the infrastructure ended it.
        step: Where the trial goes on: 0 the same segment, 1 the next one, -1 the one before.
        failure: What it failed of; trials that fail alike say the same. Empty unless it counts
            as failed.
    """

    state: TrialState
    reason: str
    message: str = ""
    infrastructure: bool = False
    step: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the ruling depends on beyond the pod.

    Attributes:
        pending_seconds: How long a pod may wait for its images, and for a node.
        node_seconds: How long for a node, if that is shorter; None if it is not.
        infrastructure_failures: Attempts that the infrastructure has ended so far.
        max_attempts: So many of them end the trial.
        held: Whether the attempt was made ahead and never had a place.
    """

    pending_seconds: float
    node_seconds: float | None = None
    infrastructure_failures: int = 0
    max_attempts: int = 5
    held: bool = False


def agent_result(pod: PodFacts) -> AgentResult | None:
    """The agent's last word, or None: not ended, killed, or not to be understood."""
    ended = pod.agent.message if pod.agent.state == "terminated" else ""
    for message in (ended, pod.agent.last_message):
        try:
            return AgentResult.from_json(message)
        except PipelineError:
            continue
    return None


def classify(
    pod: PodFacts, *, result: AgentResult | None, now: float, rules: Rules
) -> Ruling | None:
    """The ruling on an attempt; None while it goes on.

    Args:
        pod: The attempt's pod, as last seen.
        result: What the agent said, or what it wrote to the log before its pod vanished.
        now: Seconds since the epoch.
        rules: Limits of the trial.
    """
    if not pod.ended:
        return _waited_too_long(pod, now=now, rules=rules)
    if rules.held and pod.reason == "DeadlineExceeded":
        # The hold alone has used it up: nothing of the trial has run.
        return _handed_back(HOLD_ENDED)
    ruling = _by_result(pod, result=result) or _without_result(pod, result=result)
    lost = rules.infrastructure_failures
    if ruling.infrastructure and lost >= rules.max_attempts:
        return Ruling(
            state=TrialState.FAILED,
            reason=MAX_ATTEMPTS,
            message=f"{lost + 1} attempts were lost; the last one: {ruling.message}",
            infrastructure=True,
            failure=MAX_ATTEMPTS,
        )
    return ruling


def _by_result(pod: PodFacts, *, result: AgentResult | None) -> Ruling | None:
    if result is None:
        return None
    said = Ruling(state=TrialState.COMPLETED, reason=result.reason, message=result.message)
    match result.outcome:
        case Outcome.COMPLETED:
            return said
        case Outcome.STOPPED if result.reason == RUNG:
            return replace(said, state=TrialState.STOPPED)
        case Outcome.PAUSED if result.rung is not None:
            return replace(said, state=TrialState.PAUSED)
        case Outcome.PAUSED if result.reason == HOLD_ENDED:
            return _handed_back(HOLD_ENDED)
        case Outcome.NEXT_SEGMENT:
            return replace(_again(pod, reason=NEXT_SEGMENT, message=result.message), step=1)
        case Outcome.PREFIX_MISSING:
            return replace(_again(pod, reason=PREFIX_MISSING, message=result.message), step=-1)
        case Outcome.FAILED if pod.reason != "DeadlineExceeded":
            if pod.stage.reason == "OOMKilled":
                return _out_of_memory()
            words = _with_last_lines(result.message, pod.stage.message)
            return replace(said, state=TrialState.FAILED, message=words, failure=failure_in(result))
    return None


def _with_last_lines(message: str, output: str) -> str:
    """The agent's sentence, and the end of the stage's output, which the kubelet alone has."""
    lines = "\n".join(output.strip().splitlines()[-LAST_LINES:])[-LAST_CHARACTERS:]
    return f"{message}\n{lines}" if lines else message


def failure_in(result: AgentResult) -> str:
    """What the stage failed of, alike for all trials that fail so."""
    failed = [stage for stage in result.stages if stage.outcome is StageOutcome.FAILED]
    if not failed:
        return result.reason
    code = "" if failed[-1].exit_code is None else f" {failed[-1].exit_code}"
    return f"{result.reason}{code} in {failed[-1].stage}"


def _out_of_memory() -> Ruling:
    return Ruling(
        state=TrialState.FAILED,
        reason=OUT_OF_MEMORY,
        message="out of memory on this instance type",
        failure=OUT_OF_MEMORY,
    )


def _without_result(pod: PodFacts, *, result: AgentResult | None) -> Ruling:
    """The agent said nothing, or only that it was told to stop or lost the store."""
    if pod.reason == "DeadlineExceeded":
        return _deadline(pod)
    if pod.command:
        return _commanded(pod)
    if pod.stage.reason == "OOMKilled" and pod.stage.exit_code != 0:
        return _out_of_memory()
    if pod.stage.reason in _START_REASONS:
        return Ruling(
            state=TrialState.FAILED,
            reason=START_ERROR,
            message=f"the container could not be started (the image needs /bin/sh): "
            f"{pod.stage.message}".rstrip(": "),
            failure=START_ERROR,
        )
    if result is not None and result.outcome is Outcome.STORE_LOST:
        reason, message = STORE_LOST, result.message
    else:
        reason, message = _infrastructure(pod)
    return Ruling(state=TrialState.STARTING, reason=reason, message=message, infrastructure=True)


def _deadline(pod: PodFacts) -> Ruling:
    if pod.bound in (Bound.BUDGET, Bound.DEADLINE):
        return Ruling(
            state=TrialState.CANCELLED, reason=BUDGET, message="what it was granted is used up"
        )
    return Ruling(
        state=TrialState.STOPPED,
        reason=TRIAL_LIMIT,
        message="trialLimits are used up",
        failure=TRIAL_LIMIT,
    )


def _commanded(pod: PodFacts) -> Ruling:
    reason = pod.command_reason or "Command"
    if pod.command == Command.CHECKPOINT and reason in (HOLD_ENDED, YIELDED):
        return _handed_back(reason)
    if pod.command == Command.CHECKPOINT:
        return Ruling(state=TrialState.PAUSED, reason=reason, message="goes on from its checkpoint")
    return Ruling(state=TrialState.CANCELLED, reason=reason, message="stopped with its study")


def _handed_back(reason: str) -> Ruling:
    return Ruling(state=TrialState.QUEUED, reason=reason, message="made ahead of its place")


def _again(pod: PodFacts, *, reason: str, message: str) -> Ruling:
    if not pod.command:
        return Ruling(state=TrialState.STARTING, reason=reason, message=message)
    return replace(_commanded(pod), message=message)


def _infrastructure(pod: PodFacts) -> tuple[str, str]:
    if pod.reason == "Evicted":
        return EVICTED, pod.message or "evicted"
    if pod.reason == "NodeLost":
        return NODE_LOST, pod.message or "its node was lost"
    if pod.disruption:
        return DISRUPTED, pod.disruption
    if pod.gone:
        return POD_GONE, "its pod was deleted"
    if pod.reason:
        return pod.reason, pod.message or pod.reason
    agent = pod.agent
    words = f"the agent ended with exit code {agent.exit_code}" if agent.state else "no result"
    return AGENT_KILLED, f"{words}: {agent.reason}" if agent.reason else words


def _waited_too_long(pod: PodFacts, *, now: float, rules: Rules) -> Ruling | None:
    if pod.scheduled is None:
        waited = now - pod.created
        most = rules.pending_seconds if rules.node_seconds is None else rules.node_seconds
        if pod.gated or pod.deleting is not None or waited <= most:
            return None
        return Ruling(
            state=TrialState.CANCELLED,
            reason=UNSCHEDULABLE,
            message=f"no node for {waited:.0f} s: {pod.scheduling}".rstrip(": "),
        )
    started = pod.stage.state in ("running", "terminated")
    hopeless = pod.stage.reason == "InvalidImageName"
    overdue = now - pod.scheduled > rules.pending_seconds
    if started or pod.deleting is not None or not (overdue or hopeless):
        return None
    return _not_started(pod, waited=now - pod.scheduled)


def _not_started(pod: PodFacts, *, waited: float) -> Ruling:
    waiting = next((one for one in (pod.stage, pod.agent) if one.reason in _TELLING), pod.stage)
    if waiting.reason in _IMAGE_REASONS:
        reason = IMAGE_PULL
    elif waiting.reason in _CONFIG_REASONS:
        reason = CONTAINER_CONFIG
    else:
        reason = NEVER_STARTED
    said = ": ".join(word for word in (waiting.reason, waiting.message) if word)
    return Ruling(
        state=TrialState.FAILED,
        reason=reason,
        message=f"not started in {waited:.0f} s: {said}",
        failure=reason,
    )


_TELLING = _IMAGE_REASONS | _CONFIG_REASONS | _START_REASONS
