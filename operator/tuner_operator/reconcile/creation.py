"""From an admitted attempt to its pod, or back when it is no longer wanted."""

from __future__ import annotations

from dataclasses import replace

from tuner.errors import TunerError
from tuner.pipeline import PlanSettings, make_plan
from tuner.schedulers import make_scheduler
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.budget import Bound
from tuner.trial import Command
from tuner_operator import moments
from tuner_operator.actions import Action, Chain, ConfirmGone, Create, Ref, Tell, WriteStatus
from tuner_operator.manifests.trial_pod import GRACE_SECONDS, Attempt, trial_pod_manifest
from tuner_operator.observed import Observed
from tuner_operator.reconcile.ahead import HOLD_SECONDS
from tuner_operator.reconcile.candidates import identity
from tuner_operator.reconcile.commands import Order
from tuner_operator.reconcile.ending import cancel
from tuner_operator.reconcile.flight import Flight, index_of, runs_of, value_of, with_segment


def grace_seconds(spec: TuningStudySpec) -> float:
    """Between SIGTERM and SIGKILL of a stage."""
    template = spec.pipeline.pod_template
    asked = None
    if template is not None and template.spec is not None:
        asked = template.spec.termination_grace_period_seconds
    return float(asked or GRACE_SECONDS)


def pod_actions(observed: Observed, flight: Flight, *, spec: TuningStudySpec) -> tuple[Action, ...]:
    """Makes the pod of an attempt that has none; says so where it is forbidden."""
    refused = observed.refused.get(flight.pod_name)
    actions: list[Action] = []
    status = flight.trial.status
    if refused is not None:
        told = status.model_copy(
            update={
                "state": TrialState.QUEUED,
                "reason": "Forbidden",
                "message": refused.message[:1000],
            }
        )
        if told != status:
            actions.append(WriteStatus(flight.trial.ref, told))
            warning = refused.message[:1000]
            actions.append(
                Tell(flight.trial.ref, reason="PodForbidden", message=warning, warning=True)
            )
        if observed.now < refused.retry_at:
            return tuple(actions)
    try:
        manifest = _manifest(observed, flight, spec=spec)
    except TunerError as error:
        warning = str(error)
        return (Tell(flight.trial.ref, reason="PlanFailed", message=warning, warning=True),)
    return (*actions, Create(manifest))


def take_back(observed: Observed, flight: Flight, *, order: Order) -> Chain:
    """Gives up an attempt whose pod was never made."""
    trial = flight.trial
    pod = Ref(kind="Pod", namespace=trial.ref.namespace, name=flight.pod_name)
    over = flight.segment.model_copy(
        update={"end_time": moments.moment(observed.now), "cost": 0.0, "reason": order.reason}
    )
    status = trial.status.model_copy(
        update={"segments": with_segment(trial.status, over), "reason": order.reason}
    )
    if order.command is Command.STOP:
        given_up = replace(trial, status=status)
        chain = cancel(observed, given_up, reason=order.reason, message="stopped with its study")
        return Chain(trial.name, (ConfirmGone(pod), *chain.actions))
    paused = status.model_copy(update={"state": TrialState.PAUSED, "message": None})
    return Chain(trial.name, (ConfirmGone(pod), WriteStatus(trial.ref, paused)))


def _manifest(observed: Observed, flight: Flight, *, spec: TuningStudySpec) -> dict[str, object]:
    trial, segment = flight.trial, flight.segment
    runs = runs_of(trial, spec)
    index = index_of(segment, runs)
    value = value_of(trial, spec)
    plan = make_plan(
        spec,
        study=identity(observed),
        trial=value,
        instance_types=observed.instance_types,
        attempt=segment.attempt,
        segment=index,
        settings=PlanSettings(
            rungs=make_scheduler(spec, bracket=value.bracket).rungs(),
            promoted=trial.promoted,
            prices_per_hour={segment.instance_type: flight.price_per_hour},
        ),
    )
    hold = HOLD_SECONDS if flight.held else 0.0
    extended = hold if segment.bound != Bound.DEADLINE else 0.0
    deadline = segment.deadline_seconds
    attempt = Attempt(
        trial=trial.ref,
        plan=plan,
        run=runs[index],
        instance_type=observed.instance_types[segment.instance_type],
        deadline_seconds=None if deadline is None else deadline + extended,
        hold_seconds=hold,
        bound=segment.bound or "",
    )
    return trial_pod_manifest(observed.study, attempt, spec=spec, settings=observed.settings)
