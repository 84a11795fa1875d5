"""Which trials get a pod now; the others are told why they wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import Segment, TrialState, TrialSummary, TuningTrialStatus
from tuner.study.budget import Applicant, Grant, Ledger, Refusal, Wait, admit
from tuner.study.terms import Terms
from tuner_operator import moments
from tuner_operator.actions import (
    Action,
    Chain,
    WriteStatus,
    WriteVerdict,
)
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.ahead import Outlook
from tuner_operator.reconcile.attempts import HELD
from tuner_operator.reconcile.candidates import Candidate, candidates
from tuner_operator.reconcile.flight import (
    Flight,
    with_segment,
)
from tuner_operator.reconcile.money import applicant_of, prices_for, running_of
from tuner_operator.reconcile.outcome import withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What admission came to.

    Attributes:
        chains: Statuses to write, things to ask.
        flights: Attempts that begin now.
        hopeless: Nothing runs, and what is left of the money pays no candidate.
    """

    chains: tuple[Chain, ...] = ()
    flights: tuple[Flight, ...] = ()
    hopeless: bool = False


def prices_of(observed: Observed) -> Mapping[str, float]:
    """USD per hour by type; a type without a price costs nothing."""
    return {name: spec.price_per_hour or 0.0 for name, spec in observed.instance_types.items()}


def admission(
    observed: Observed,
    waiting: Sequence[TrialView],
    *,
    flights: Sequence[Flight],
    terms: Terms,
    ledger: Ledger,
    spec: TuningStudySpec,
    outlook: Outlook,
) -> Admitted:
    """Decides about every trial that waits, oldest first."""
    prices = prices_of(observed)
    asking, chains = candidates(observed, waiting, spec=spec)
    fitting, crowded = _with_room(observed, asking, flights=flights)
    decision = admit(
        [_applicant(one, prices=prices, outlook=outlook) for one in fitting],
        running=[running_of(one, now=observed.now, prices=prices) for one in flights],
        terms=terms,
        ledger=ledger,
        ahead=outlook.ahead,
    )
    by_name = {one.trial.name: one for one in asking}
    begun = tuple(
        _begin(observed, by_name[grant.trial], grant=grant, prices=prices)
        for grant in decision.grants
    )
    chains += [_wait(observed, one, refusal=refusal) for one, refusal in crowded]
    chains += [_refused(observed, by_name[one.trial], one) for one in decision.refusals]
    hopeless = decision.unaffordable and not flights and not crowded
    return Admitted(
        chains=tuple(chain for chain in chains if chain.actions), flights=begun, hopeless=hopeless
    )


def _applicant(one: Candidate, *, prices: Mapping[str, float], outlook: Outlook) -> Applicant:
    holdable = outlook.may_hold(one.trial, instance_type=one.run.instance_type)
    return applicant_of(one.trial, prices=prices, holdable=holdable)


def _with_room(
    observed: Observed, asking: Sequence[Candidate], *, flights: Sequence[Flight]
) -> tuple[list[Candidate], list[tuple[Candidate, Refusal]]]:
    """Those whose instance type has room; types are shared by all studies."""
    usage = dict(observed.type_usage)
    for flight in flights:
        name = flight.segment.instance_type
        usage[name] = usage.get(name, 0) + 1
    fitting: list[Candidate] = []
    crowded: list[tuple[Candidate, Refusal]] = []
    for one in asking:
        name = one.run.instance_type
        offer = observed.instance_types.get(name)
        limit = None if offer is None else offer.max_parallel_trials
        if offer is None or (limit is not None and usage.get(name, 0) >= limit):
            said = f"InstanceType {name} " + (
                "does not exist" if offer is None else f"runs {limit} trials at most"
            )
            refusal = Refusal(trial=one.trial.name, reason=Wait.PARALLEL_TRIALS, message=said)
            crowded.append((one, refusal))
            continue
        usage[name] = usage.get(name, 0) + 1
        fitting.append(one)
    return fitting, crowded


def _begin(
    observed: Observed, one: Candidate, *, grant: Grant, prices: Mapping[str, float]
) -> Flight:
    """The attempt as the trial's status will tell of it, before its pod is made."""
    old = one.trial.status
    before = next((seg for seg in old.segments or () if seg.stages == one.run.stages), None)
    earlier = 0.0 if before is None else (before.cost or 0.0) + (before.earlier_cost or 0.0)
    attempt = (old.attempts or 0) + 1
    agreed = prices_for(one.trial, prices=prices)
    segment = Segment(
        stages=one.run.stages,
        instance_type=one.run.instance_type,
        attempt=attempt,
        price_per_hour=agreed[one.run.instance_type],
        worst_cost=None if grant.worst_usd is None else max(0.0, grant.worst_usd),
        deadline_seconds=grant.deadline_seconds,
        bound=str(grant.bound) or None,
        held=grant.held or None,
        earlier_cost=earlier or None,
    )
    status = old.model_copy(
        update={
            "observed_generation": one.trial.generation,
            "state": TrialState.QUEUED if grant.held else TrialState.STARTING,
            "reason": HELD if grant.held else "Admitted",
            "message": None,
            "attempts": attempt,
            "prices": agreed,
            "segments": with_segment(old, segment),
            "start_time": old.start_time or moments.moment(observed.now),
            "summary": _summary(old, one),
        }
    )
    return Flight(trial=replace(one.trial, status=status), segment=segment, pod=None)


def _summary(old: TuningTrialStatus, one: Candidate) -> TrialSummary:
    types = dict.fromkeys(run.instance_type for run in one.runs)
    known = old.summary or TrialSummary()
    return known.model_copy(update={"type": ",".join(types)[:250]})


def _refused(observed: Observed, one: Candidate, refusal: Refusal) -> Chain:
    if refusal.reason is not Wait.LIMIT_USED_UP:
        return _wait(observed, one, refusal=refusal)
    final, verdict = withdrawn(
        one.trial.status,
        state=TrialState.STOPPED,
        reason="TrialLimit",
        message=refusal.message,
        now=observed.now,
        generation=one.trial.generation,
    )
    return Chain(
        one.trial.name,
        (
            WriteVerdict(one.trial.name, attempt=one.trial.status.attempts or 0, verdict=verdict),
            WriteStatus(one.trial.ref, final),
        ),
    )


def _wait(observed: Observed, one: Candidate, *, refusal: Refusal) -> Chain:
    old = one.trial.status
    paused = bool(old.attempts) and refusal.reason is Wait.SUSPENDED
    state = TrialState.PAUSED if paused else TrialState.QUEUED
    actions: tuple[Action, ...] = ()
    # The message alone changes with every dollar: not worth a request.
    if (old.state, old.reason) != (state, str(refusal.reason)):
        status = old.model_copy(
            update={
                "observed_generation": one.trial.generation,
                "state": state,
                "reason": str(refusal.reason),
                "message": refusal.message,
            }
        )
        actions = (WriteStatus(one.trial.ref, status),)
    return Chain(one.trial.name, actions)
