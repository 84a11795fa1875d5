"""One attempt in flight: what its pod says, and what follows when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.pipeline import AgentResult
from tuner.spec.quantities import duration_seconds
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import Segment, SegmentNode, TrialState, TuningTrialStatus
from tuner_operator import moments
from tuner_operator.actions import (
    Action,
    Ask,
    ConfirmGone,
    Delete,
    LastSign,
    Ref,
    Tell,
    WriteStatus,
    WriteVerdict,
)
from tuner_operator.cost import interval
from tuner_operator.observed import Observed, Sign
from tuner_operator.pod_facts import PodFacts
from tuner_operator.reconcile.flight import Flight, index_of, runs_of, with_segment
from tuner_operator.reconcile.outcome import ended, node_labels, verdict_of
from tuner_operator.reconcile.scarcity import node_seconds
from tuner_operator.verdicts import Rules, Ruling, agent_result, classify

STUCK_SECONDS = 60.0
"""A pod still there so long after its grace period, on a node that is not ready, is lost."""

HELD = "Held"
"""Why a trial is Queued though it has a pod: that was made ahead of its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What an attempt in flight calls for.

    Attributes:
        status: The trial's status as it should be.
        actions: In order; the status is written by the last of them where it changed.
        over: Whether the attempt has ended.
    """

    status: TuningTrialStatus
    actions: tuple[Action, ...] = ()
    over: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the trial has ended with it."""
        return self.status.state is not None and self.status.state.is_final


def watch(
    observed: Observed, flight: Flight, *, spec: TuningStudySpec, elsewhere: bool = False
) -> Step:
    """Looks at a pod that was made: still under way, or ended.

    Args:
        observed: All there is.
        flight: The attempt.
        spec: Of the study.
        elsewhere: Whether its type is scarce and another one would do.
    """
    pod = _seen(flight)
    result = agent_result(pod)
    sign = Sign()
    if pod.gone and result is None:
        question = LastSign(trial=pod.trial, attempt=pod.attempt)
        answer = observed.answers.get(question)
        if not isinstance(answer, Sign):
            return Step(status=flight.trial.status, actions=(Ask(question),))
        sign, result = answer, answer.result
    ruling = classify(
        pod,
        result=result,
        now=observed.now,
        rules=_rules(observed, flight, spec=spec, elsewhere=elsewhere),
    )
    if ruling is None:
        return _under_way(observed, flight, pod=pod)
    return _over(observed, flight, pod=pod, ruling=ruling, result=result, sign=sign, spec=spec)


def pod_ref(observed: Observed, pod: PodFacts) -> Ref:
    """Names the pod."""
    return Ref(kind="Pod", namespace=observed.study.ref.namespace, name=pod.name, uid=pod.uid)


def _seen(flight: Flight) -> PodFacts:
    """The pod, or what the status remembers of one that vanished while nobody looked."""
    if flight.pod is not None:
        return flight.pod
    return PodFacts(
        name=flight.pod_name,
        uid="",
        trial=flight.trial.name,
        trial_uid=flight.trial.ref.uid,
        attempt=flight.segment.attempt,
        created=0.0,
        gone=True,
        scheduled=moments.seconds_of(flight.segment.start_time),
        bound=flight.segment.bound or "",
    )


def _rules(observed: Observed, flight: Flight, *, spec: TuningStudySpec, elsewhere: bool) -> Rules:
    limits = spec.trial_limits
    pending = duration_seconds(limits.pending_timeout)
    offer = observed.instance_types.get(flight.segment.instance_type)
    if offer is not None and offer.provisioning_timeout is not None:
        pending = max(pending, duration_seconds(offer.provisioning_timeout))
    return Rules(
        pending_seconds=pending,
        node_seconds=min(pending, node_seconds(offer)) if elsewhere else pending,
        infrastructure_failures=flight.trial.status.infrastructure_failures or 0,
        max_attempts=limits.max_attempts,
        held=flight.held,
    )


def _over(
    observed: Observed,
    flight: Flight,
    *,
    pod: PodFacts,
    ruling: Ruling,
    result: AgentResult | None,
    sign: Sign,
    spec: TuningStudySpec,
) -> Step:
    last = sign.seen if sign.seen is not None else pod.scheduled
    paid = interval(pod, now=observed.now, last_sign=last if pod.gone else None)
    index = index_of(flight.segment, runs_of(flight.trial, spec))
    verdict = verdict_of(flight, ruling, paid=paid, index=index)
    placed = flight.segment.model_copy(update={"node": node_of(observed, flight)})
    seen = replace(flight, segment=placed)
    status = ended(seen, ruling, result=result, paid=paid, now=observed.now, spec=spec)
    actions: list[Action] = []
    if pod.gone:
        actions.append(ConfirmGone(pod_ref(observed, pod)))
    elif not pod.ended:
        actions.append(Delete(pod_ref(observed, pod)))
    actions += [
        WriteVerdict(flight.trial.name, attempt=flight.segment.attempt, verdict=verdict),
        WriteStatus(flight.trial.ref, status),
    ]
    if ruling.infrastructure or verdict.failure:
        actions.append(_warning(flight, ruling))
    return Step(status=status, actions=tuple(actions), over=True)


def _warning(flight: Flight, ruling: Ruling) -> Tell:
    reason = "AttemptLost" if not ruling.state.is_final else "TrialFailed"
    message = f"{ruling.reason}: {ruling.message}" if ruling.message else ruling.reason
    return Tell(flight.trial.ref, reason=reason, message=message[:1000], warning=True)


def _under_way(observed: Observed, flight: Flight, *, pod: PodFacts) -> Step:
    old = flight.trial.status
    segment = flight.segment.model_copy(
        update={
            "pod": pod.name,
            "node": node_of(observed, flight),
            "start_time": None if pod.scheduled is None else moments.moment(pod.scheduled),
        }
    )
    status = under_way(old, segment, pod=pod)
    actions: list[Action] = []
    if status != old:
        actions.append(WriteStatus(flight.trial.ref, status))
    if _stuck(observed, pod):
        actions.append(Delete(pod_ref(observed, pod), grace_seconds=0))
    return Step(status=status, actions=tuple(actions))


def node_of(observed: Observed, flight: Flight) -> SegmentNode | None:
    """The attempt's node as its labels say, or said as long as there was one."""
    name = "" if flight.pod is None else flight.pod.node
    labels = observed.nodes.get(name)
    if labels is not None:
        return SegmentNode.model_validate(node_labels(labels, name=name))
    known = flight.segment.node
    if known is not None or not name:
        return known
    return SegmentNode(name=name)


def under_way(status: TuningTrialStatus, segment: Segment, *, pod: PodFacts) -> TuningTrialStatus:
    """The status of a trial whose attempt goes on, as its pod stands."""
    state, reason, message = _stands(pod)
    if segment.held and state is not TrialState.UNSCHEDULABLE:
        state, reason, message = TrialState.QUEUED, HELD, None
    return status.model_copy(
        update={
            "state": state,
            "reason": reason,
            "message": message,
            "segments": with_segment(status, segment),
        }
    )


def _stands(pod: PodFacts) -> tuple[TrialState, str | None, str | None]:
    if pod.gated:
        return TrialState.QUEUED, "SchedulingGated", pod.scheduling or None
    if pod.scheduled is None:
        if pod.scheduling:
            return TrialState.UNSCHEDULABLE, "Unschedulable", pod.scheduling
        return TrialState.STARTING, "Created", None
    if pod.stage.state in ("running", "terminated"):
        return TrialState.RUNNING, None, None
    waiting = pod.stage if pod.stage.reason else pod.agent
    reason = waiting.reason or "Scheduled"
    return TrialState.STARTING, reason, waiting.message or None


def _stuck(observed: Observed, pod: PodFacts) -> bool:
    return (
        pod.deleting is not None
        and observed.now > pod.deleting + STUCK_SECONDS
        and pod.node not in observed.nodes_ready
    )
