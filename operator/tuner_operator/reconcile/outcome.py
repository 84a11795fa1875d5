"""From the ruling on an attempt to the trial's next status and the log's verdict."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.pipeline import AgentResult
from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.status import Conditions
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import (
    StageState,
    StageStatus,
    TrialState,
    TrialSummary,
    TuningTrialStatus,
)
from tuner.study.verdict import Verdict
from tuner.trial import StageOutcome, StageResult
from tuner_operator import moments
from tuner_operator.conditions import Finding, merge
from tuner_operator.cost import Interval
from tuner_operator.names import Object
from tuner_operator.reconcile.flight import Flight, spent_usd, with_segment
from tuner_operator.verdicts import RUNG, Ruling

MAX_MESSAGE = 1024
_SHORT = 250


def verdict_of(flight: Flight, ruling: Ruling, *, paid: Interval, index: int) -> Verdict:
    """The log's record of an attempt's end."""
    return Verdict(
        state=ruling.state,
        reason=ruling.reason,
        message=ruling.message[:MAX_MESSAGE],
        cost_usd=paid.cost_usd(price_per_hour=flight.price_per_hour),
        seconds=paid.seconds,
        price_per_hour=flight.price_per_hour,
        instance_type=flight.segment.instance_type,
        segment=index,
        start=paid.start or 0.0,
        infrastructure=ruling.infrastructure,
        failure=ruling.failure,
    )


def ended(
    flight: Flight,
    ruling: Ruling,
    *,
    result: AgentResult | None,
    paid: Interval,
    now: float,
    spec: TuningStudySpec,
) -> TuningTrialStatus:
    """The trial's status once its attempt has ended."""
    old = flight.trial.status
    end = now if paid.end is None else paid.end
    segment = flight.segment.model_copy(
        update={
            "pod": flight.pod_name if flight.pod is not None else flight.segment.pod,
            "start_time": None if paid.start is None else moments.moment(paid.start),
            "end_time": moments.moment(end),
            "cost": paid.cost_usd(price_per_hour=flight.price_per_hour),
            "reason": _reason(ruling),
        }
    )
    status = old.model_copy(update={"segments": with_segment(old, segment)})
    lost = (old.lost_cost or 0.0) + (segment.cost or 0.0) if ruling.infrastructure else None
    failures = (old.infrastructure_failures or 0) + int(ruling.infrastructure)
    update: dict[str, object] = {
        "state": ruling.state,
        "reason": ruling.reason,
        "message": ruling.message[:MAX_MESSAGE],
        "cost": spent_usd(status),
        "lost_cost": old.lost_cost if lost is None else lost,
        "infrastructure_failures": failures or None,
    }
    if result is not None:
        update |= _told(result, old=old, spec=spec)
    status = status.model_copy(update=update)
    return (
        closed(status, now=now, generation=flight.trial.generation)
        if (ruling.state.is_final)
        else status
    )


def closed(status: TuningTrialStatus, *, now: float, generation: int) -> TuningTrialStatus:
    """A final status: with its completion time and its condition."""
    done = status.state is TrialState.COMPLETED
    finding = Finding(
        words.SUCCEEDED,
        ConditionStatus.TRUE if done else ConditionStatus.FALSE,
        status.reason or str(status.state),
        status.message or "",
    )
    return status.model_copy(
        update={
            "completion_time": moments.moment(now),
            "conditions": conditions_with(status.conditions, finding, now=now, at=generation),
        }
    )


def conditions_with(old: Conditions | None, finding: Finding, *, now: float, at: int) -> Conditions:
    """The conditions with one more finding."""
    return merge(old, (finding,), now=now, generation=at)


def withdrawn(
    status: TuningTrialStatus,
    *,
    state: TrialState,
    reason: str,
    message: str,
    now: float,
    generation: int,
) -> tuple[TuningTrialStatus, Verdict]:
    """A trial that ends without an attempt in flight: rejected, cancelled, or out of limits."""
    update = {"state": state, "reason": reason, "message": message[:MAX_MESSAGE]}
    final = closed(status.model_copy(update=update), now=now, generation=generation)
    failure = reason if state is TrialState.STOPPED and reason != RUNG else ""
    verdict = Verdict(state=state, reason=reason, message=message[:MAX_MESSAGE], failure=failure)
    return final, verdict


def node_labels(labels: Mapping[str, str], *, name: str) -> Object:
    """What a segment tells of its node."""
    return {
        "name": name,
        "instance_type": labels.get("node.kubernetes.io/instance-type"),
        "zone": labels.get("topology.kubernetes.io/zone"),
        "capacity_type": _capacity(labels),
    }


def _capacity(labels: Mapping[str, str]) -> str | None:
    for key in (
        "karpenter.sh/capacity-type",
        "eks.amazonaws.com/capacityType",
        "cloud.google.com/gke-provisioning",
        "kubernetes.azure.com/scalesetpriority",
    ):
        if key in labels:
            return labels[key]
    spot = ("cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible")
    return "spot" if any(labels.get(key) == "true" for key in spot) else None


def _reason(ruling: Ruling) -> str:
    # Where the trial goes on is read from the entry alone.
    if ruling.step:
        return "NextSegment" if ruling.step > 0 else "PrefixMissing"
    return ruling.reason[:_SHORT]


def _told(
    result: AgentResult, *, old: TuningTrialStatus, spec: TuningStudySpec
) -> dict[str, object]:
    stages = _stages(result.stages, old=old, spec=spec)
    guessed = any(one.predicted for one in result.stages)
    built_in = [one.metric for one in spec.objectives if one.is_built_in]
    # The objectives first, as the result has them: status is bounded.
    metrics = {**result.metrics, **(old.metrics or {}), **result.metrics}
    return {
        "fidelity": max(result.fidelity, old.fidelity or 0.0),
        "rung": old.rung if result.rung is None else result.rung,
        "metrics": dict(list(metrics.items())[:32]) or None,
        "predicted": tuple(built_in) if guessed and built_in else None,
        "runtime": metrics.get("runtime", sum(one.first_run_seconds for one in result.stages)),
        "stages": stages or None,
        "summary": summary_of(old, result=result, spec=spec, metrics=metrics),
    }


def summary_of(
    old: TuningTrialStatus,
    *,
    result: AgentResult,
    spec: TuningStudySpec,
    metrics: Mapping[str, float],
) -> TrialSummary:
    """The texts for kubectl's columns."""
    shown = [f"{metrics[one.metric]:.4g}" for one in spec.objectives if one.metric in metrics]
    full = spec.fidelity
    return TrialSummary(
        type="" if old.summary is None else old.summary.type,
        fidelity="" if full is None else f"{result.fidelity:g}/{full.max:g}",
        objectives=" ".join(shown)[:_SHORT],
    )


def _stages(
    results: tuple[StageResult, ...], *, old: TuningTrialStatus, spec: TuningStudySpec
) -> tuple[StageStatus, ...]:
    known = {one.name: one for one in old.stages or ()}
    for result in results:
        before = known.get(result.stage)
        # What a later segment or attempt restores was made by this very trial.
        if before is not None and result.outcome is StageOutcome.CACHED:
            continue
        known[result.stage] = StageStatus(
            name=result.stage,
            outcome=StageState(str(result.outcome)),
            seconds=result.first_run_seconds,
            cost=result.cost_usd,
            message=result.message[:_SHORT] or None,
        )
    order = [stage.name for stage in spec.pipeline.stages]
    return tuple(known[name] for name in order if name in known)
