"""The open trials, one by one: what each of them needs now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.spec.conditions import ConditionStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TrialState
from tuner_operator.actions import Chain, Tell, WriteStatus, WriteVerdict
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.acceptance import Acceptance
from tuner_operator.reconcile.attempts import watch
from tuner_operator.reconcile.flight import Flight, flight_of, waits_at_rung
from tuner_operator.reconcile.outcome import withdrawn
from tuner_operator.reconcile.scarcity import Scarce, may_go_elsewhere
from tuner_operator.reconcile.validation import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrials:
    """The open trials, sorted by what they need; those `between` two attempts keep their place.

    Those that are `resting` were paused at a rung and hold no place until they are promoted.
    """

    chains: tuple[Chain, ...]
    flights: tuple[Flight, ...]
    waiting: tuple[TrialView, ...]
    between: tuple[Flight, ...]
    resting: tuple[TrialView, ...] = ()


def look(
    observed: Observed, spec: TuningStudySpec, acceptance: Acceptance, *, scarce: Scarce
) -> OpenTrials:
    chains: list[Chain] = []
    flights: list[Flight] = []
    waiting: list[TrialView] = []
    between: list[Flight] = []
    resting: list[TrialView] = []
    for trial in observed.open_trials:
        if trial.gone or trial.deleting:
            continue
        flight = flight_of(observed, trial)
        if waits_at_rung(trial):
            resting.append(trial)
        elif flight is None:
            why = (
                refuse(observed, trial, types=acceptance.types)
                if _is_new(trial, acceptance)
                else None
            )
            if why is None:
                waiting.append(trial)
            else:
                chains.append(_reject(observed, trial, why))
        elif flight.pod is None and flight.segment.pod is None:
            flights.append(flight)
        else:
            elsewhere = may_go_elsewhere(
                trial, flight.segment.instance_type, scarce=scarce, types=acceptance.types
            )
            step = watch(observed, flight, spec=spec, elsewhere=elsewhere)
            chains.append(Chain(trial.name, step.actions))
            seen = replace(flight, trial=replace(trial, status=step.status))
            if not step.over:
                flights.append(seen)
            elif waits_at_rung(seen.trial):
                resting.append(seen.trial)
            elif not step.is_final:
                between.append(seen)
    return OpenTrials(
        chains=tuple(chains),
        flights=tuple(flights),
        waiting=tuple(waiting),
        between=tuple(between),
        resting=tuple(resting),
    )


def hold(waiting: Sequence[TrialView], acceptance: Acceptance) -> Iterator[Chain]:
    """Says of new trials what they wait for."""
    wanting = [
        one
        for one in (acceptance.accepted, acceptance.store)
        if one.status is not ConditionStatus.TRUE
    ]
    for trial in waiting:
        if wanting and trial.status.state is None:
            update = {"state": TrialState.QUEUED, "reason": wanting[0].reason}
            status = trial.status.model_copy(update={**update, "message": wanting[0].message})
            yield Chain(trial.name, (WriteStatus(trial.ref, status),))


def _is_new(trial: TrialView, acceptance: Acceptance) -> bool:
    """Whether the trial is to be judged: never admitted, and the study's types are known."""
    return not trial.status.attempts and acceptance.accepted.status is ConditionStatus.TRUE


def _reject(observed: Observed, trial: TrialView, why: str) -> Chain:
    final, verdict = withdrawn(
        trial.status,
        state=TrialState.REJECTED,
        reason="Rejected",
        message=why,
        now=observed.now,
        generation=trial.generation,
    )
    return Chain(
        trial.name,
        (
            WriteVerdict(trial.name, attempt=0, verdict=verdict),
            WriteStatus(trial.ref, final),
            Tell(trial.ref, reason="TrialRejected", message=why, warning=True),
        ),
    )
