"""What is taken away: pods without a live trial, old pods, old trials, the study itself."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner_operator import moments
from tuner_operator.actions import Action, Chain, ConfirmGone, Delete, Forget, Ref, WriteVerdict
from tuner_operator.cost import interval
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.attempts import pod_ref
from tuner_operator.reconcile.flight import current_segment, flight_of


def retention(observed: Observed) -> Iterator[Chain]:
    """Everything that is due to go."""
    yield from _strays(observed)
    yield from _deleted_trials(observed)
    yield from _old_pods(observed)
    yield from _old_trials(observed)


def expired(observed: Observed) -> bool:
    """Whether the study has outlived its TTL."""
    spec, done = observed.study.spec, observed.study.status.completion_time
    if spec is None or done is None or spec.ttl_seconds_after_finished is None:
        return False
    return observed.now >= done.timestamp() + spec.ttl_seconds_after_finished


def _strays(observed: Observed) -> Iterator[Chain]:
    """Live pods of trials that have ended, went on to another attempt, or are no more."""
    for pod in observed.pods.values():
        if pod.ended or pod.deleting is not None:
            continue
        trial = observed.trials.get(pod.trial)
        if trial is None or trial.gone or trial.ref.uid != pod.trial_uid:
            owner = Ref(
                kind="TuningTrial",
                namespace=observed.study.ref.namespace,
                name=pod.trial,
                uid=pod.trial_uid,
            )
            yield Chain(pod.name, (ConfirmGone(owner), Delete(pod_ref(observed, pod))))
            continue
        last = current_segment(trial.status)
        final = trial.status.state is not None and trial.status.state.is_final
        superseded = last is not None and pod.attempt < last.attempt
        over = last is not None and last.attempt == pod.attempt and last.end_time is not None
        if final or superseded or over:
            yield Chain(pod.name, (Delete(pod_ref(observed, pod)),))


def _deleted_trials(observed: Observed) -> Iterator[Chain]:
    """A trial that the user deleted is cancelled; what it cost is kept in the log."""
    for trial in observed.trials.values():
        if trial.gone:
            yield Chain(trial.name, (*_last_words(observed, trial), Forget(trial.ref)))


def _last_words(observed: Observed, trial: TrialView) -> Iterator[Action]:
    if trial.status.state is not None and trial.status.state.is_final:
        return
    flight = flight_of(observed, trial)
    cost = seconds = start = 0.0
    if flight is not None and flight.pod is not None:
        paid = interval(flight.pod, now=observed.now, last_sign=flight.pod.deleting)
        cost = paid.cost_usd(price_per_hour=flight.price_per_hour)
        seconds, start = paid.seconds, paid.start or 0.0
    yield ConfirmGone(trial.ref)
    yield WriteVerdict(
        trial.name,
        attempt=trial.status.attempts or 0,
        verdict=Verdict(
            state=TrialState.CANCELLED,
            reason="Deleted",
            message="the trial was deleted",
            cost_usd=cost,
            seconds=seconds,
            start=start,
            price_per_hour=0.0 if flight is None else flight.price_per_hour,
            instance_type="" if flight is None else flight.segment.instance_type,
        ),
    )


def _old_pods(observed: Observed) -> Iterator[Chain]:
    """Ended pods are kept for their logs, the newest of them."""
    ended = sorted(
        (
            one
            for one in observed.pods.values()
            if one.ended
            and not one.gone
            and one.deleting is None
            and _is_settled(observed, one.trial)
        ),
        key=lambda one: (one.created, one.name),
        reverse=True,
    )
    for pod in ended[observed.settings.pod_history_limit :]:
        yield Chain(pod.name, (Delete(pod_ref(observed, pod)),))


def _is_settled(observed: Observed, name: str) -> bool:
    trial = observed.trials.get(name)
    return trial is None or (trial.status.state is not None and trial.status.state.is_final)


def _old_trials(observed: Observed) -> Iterator[Chain]:
    """Ended trials beyond the history limit go once the log has their end."""
    log = observed.log
    if log is None:
        return
    ended = sorted(
        (
            one
            for one in observed.trials.values()
            if one.status.completion_time is not None and not one.gone and not one.deleting
        ),
        key=lambda one: (moments.seconds_of(one.status.completion_time) or 0.0, one.name),
        reverse=True,
    )
    for trial in ended[observed.settings.history_limit :]:
        if trial.name in log.ended:
            yield Chain(trial.name, (Delete(trial.ref),))
