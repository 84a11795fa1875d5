"""One pass over a study: from what is observed to what is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tuner.spec.conditions import ConditionStatus
from tuner.spec.study import TuningStudySpec
from tuner.study.ends import End
from tuner.study.terms import Terms, terms_of
from tuner.trial import Command
from tuner_operator.actions import (
    Action,
    Ask,
    Chain,
    Delete,
    WriteStatus,
)
from tuner_operator.observed import Observed
from tuner_operator.reconcile.acceptance import Acceptance, accept
from tuner_operator.reconcile.admission import Admitted, admission
from tuner_operator.reconcile.ahead import outlook
from tuner_operator.reconcile.children import child_actions, wanted_workers, workers_ready
from tuner_operator.reconcile.commands import Order, enforce
from tuner_operator.reconcile.creation import grace_seconds, pod_actions, take_back
from tuner_operator.reconcile.ending import due, leave, was_hopeless, withdraw
from tuner_operator.reconcile.flight import Flight
from tuner_operator.reconcile.looking import OpenTrials, hold, look
from tuner_operator.reconcile.money import history_is_complete, ledger_of
from tuner_operator.reconcile.news import news
from tuner_operator.reconcile.places import (
    given_places,
    hand_back,
    late_release,
    release_chains,
)
from tuner_operator.reconcile.retention import expired, retention
from tuner_operator.reconcile.scarcity import Scarce, give_up, shortages
from tuner_operator.reconcile.status import Standing, study_status
from tuner_operator.reconcile.tally import tally_of
from tuner_operator.reconcile.templates import open_questions


def reconcile(observed: Observed) -> tuple[Chain, ...]:
    """What is to be done now; nothing once everything is as it should be."""
    study = observed.study
    if study.deleting:
        return ()
    if expired(observed):
        return (Chain(study.ref.name, (Delete(study.ref),)),)
    acceptance = accept(observed)
    if study.spec is None:
        return _chains(
            [
                _status_chain(
                    observed,
                    Standing(
                        acceptance=acceptance,
                        ledger=ledger_of(observed, flights=()),
                        terms=None,
                        flights=(),
                        open=len(observed.open_trials),
                        workers_ready=None,
                        end=None,
                    ),
                )
            ]
        )
    return _chains(_pass(observed, study.spec, acceptance))


def _pass(observed: Observed, spec: TuningStudySpec, acceptance: Acceptance) -> Iterator[Chain]:
    terms = terms_of(spec)
    scarce = shortages(observed, types=acceptance.types, spec=spec)
    trials = look(observed, spec, acceptance, scarce=scarce)
    ledger = ledger_of(observed, flights=trials.flights)
    tally = tally_of(observed, terms=terms)
    whole = history_is_complete(observed)
    hopeless = was_hopeless(observed, tally=tally)
    end = due(observed, terms=terms, tally=tally, ledger=ledger, hopeless=hopeless)
    end = end if whole else None
    admitted = Admitted()
    ready = whole and end is None and acceptance.may_start
    if ready:
        given_up = give_up(observed, trials.waiting, scarce=scarce, types=acceptance.types)
        yield from given_up.values()
        trials = replace(
            trials, waiting=tuple(one for one in trials.waiting if one.name not in given_up)
        )
        trials = _give_places(observed, trials, spec=spec)
        flying = (*trials.flights, *trials.between)
        admitted = admission(
            observed,
            trials.waiting,
            flights=flying,
            terms=terms,
            ledger=ledger,
            spec=spec,
            outlook=outlook(observed, flying, scarce=scarce, spec=spec),
        )
        hopeless = admitted.hopeless
        end = due(observed, terms=terms, tally=tally, ledger=ledger, hopeless=hopeless)
    elif end is None:
        yield from hold(trials.waiting, acceptance)
    for question in open_questions(observed, spec):
        yield Chain(f"account/{question.name}", (Ask(question),))
    yield from trials.chains
    flights = (*trials.flights, *admitted.flights)
    order = _order(spec, end=end)
    back = hand_back(observed, flights, scarce=scarce, spec=spec)
    yield from _fly(observed, flights, order=order, spec=spec, begun=admitted.flights, back=back)
    if end is None:
        yield from admitted.chains
    else:
        yield from withdraw(observed, trials.waiting, end=end)
        yield from leave(observed, trials.resting, end=end)
    yield from _frame(
        observed,
        acceptance,
        terms=terms,
        end=end,
        hopeless=hopeless,
        flights=flights,
        scarce=scarce,
    )
    yield from retention(observed)


def _give_places(observed: Observed, trials: OpenTrials, *, spec: TuningStudySpec) -> OpenTrials:
    """Free places go to the pods that were made ahead of them."""
    given = given_places(
        observed, trials.flights, others=trials.between, waiting=trials.waiting, spec=spec
    )
    return replace(
        trials,
        chains=release_chains(observed, trials.chains, given),
        flights=tuple(given.get(one.trial.name, one) for one in trials.flights),
    )


def _order(spec: TuningStudySpec, *, end: End | None) -> Order | None:
    if end is not None and end.stop:
        return Order(command=Command.STOP, reason=end.reason)
    if spec.suspend:
        return Order(command=Command.CHECKPOINT, reason="Suspended")
    return None


def _fly(
    observed: Observed,
    flights: Sequence[Flight],
    *,
    order: Order | None,
    spec: TuningStudySpec,
    begun: Sequence[Flight],
    back: Mapping[str, str],
) -> Iterator[Chain]:
    """Pods for attempts that have none, commands for those that have one."""
    new = {one.trial.name for one in begun}
    for flight in flights:
        name = flight.trial.name
        due = order
        if due is None and name in back:
            due = Order(command=Command.CHECKPOINT, reason=back[name])
        if flight.pod is not None:
            if due is not None:
                grace = grace_seconds(spec)
                yield Chain(
                    f"{name}/command",
                    enforce(observed, flight.pod, order=due, grace_seconds=grace),
                )
            else:
                yield Chain(f"{name}/release", tuple(late_release(observed, flight)))
        elif flight.segment.pod is not None:
            continue
        elif due is not None and name not in new:
            yield take_back(observed, flight, order=due)
        else:
            written: tuple[Action, ...] = (
                (WriteStatus(flight.trial.ref, flight.trial.status),) if name in new else ()
            )
            yield Chain(name, (*written, *pod_actions(observed, flight, spec=spec)))


def _frame(
    observed: Observed,
    acceptance: Acceptance,
    *,
    terms: Terms,
    end: End | None,
    hopeless: bool,
    flights: Sequence[Flight],
    scarce: Scarce,
) -> Iterator[Chain]:
    """Workers and the study's own status."""
    active = acceptance.may_start and end is None
    count = wanted_workers(observed, active=active)
    keep = _keep_workers(observed, acceptance, end=end)
    if keep:
        count = wanted_workers(observed, active=True)
    yield Chain("workers", child_actions(observed, count=count, types=acceptance.types))
    standing = Standing(
        acceptance=acceptance,
        ledger=ledger_of(observed, flights=flights),
        terms=terms,
        flights=flights,
        open=_still_open(observed),
        workers_ready=workers_ready(observed, count=count),
        end=end,
        hopeless=hopeless and end is not None,
        scarce=tuple(scarce.values()) if active else (),
    )
    yield _status_chain(observed, standing)


def _keep_workers(observed: Observed, acceptance: Acceptance, *, end: End | None) -> bool:
    """A store that is away for a while is no reason to end the workers."""
    return (
        end is None
        and acceptance.accepted.status is ConditionStatus.TRUE
        and observed.study.status.start_time is not None
    )


def _still_open(observed: Observed) -> int:
    return sum(not one.gone for one in observed.open_trials)


def _status_chain(observed: Observed, standing: Standing) -> Chain:
    study = observed.study
    status = study_status(observed, standing)
    if status == study.status:
        return Chain(study.ref.name, ())
    return Chain(study.ref.name, (WriteStatus(study.ref, status), *news(observed, status)))


def _chains(chains: Iterator[Chain] | Sequence[Chain]) -> tuple[Chain, ...]:
    return tuple(chain for chain in chains if chain.actions)
