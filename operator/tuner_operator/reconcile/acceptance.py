"""Can the study be carried out as it is written? The conditions Accepted and StoreReachable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner.spec.objectives import COST
from tuner.spec.study import TuningStudySpec
from tuner.spec.support import unsupported
from tuner.spec.validation import check
from tuner_operator.conditions import Finding
from tuner_operator.observed import Observed
from tuner_operator.reconcile.hardware import missing, types_by_stage
from tuner_operator.reconcile.templates import template_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What stands in a study's way.

    Attributes:
        accepted: Its condition.
        store: The store's condition.
        types: The types that each stage may use; empty where not accepted.
    """

    accepted: Finding
    store: Finding
    types: Mapping[str, tuple[str, ...]]

    @property
    def may_start(self) -> bool:
        """Whether trials may be started."""
        return all(one.status is ConditionStatus.TRUE for one in (self.accepted, self.store))


def accept(observed: Observed) -> Acceptance:
    """The first thing that is wrong, said with what to do about it."""
    study = observed.study
    store = _store(observed)
    if study.spec is None:
        refused = Finding(words.ACCEPTED, ConditionStatus.FALSE, words.INVALID, study.problem)
        return Acceptance(accepted=refused, store=store, types={})
    for reason, message in _problems(observed, study.spec):
        refused = Finding(words.ACCEPTED, ConditionStatus.FALSE, reason, message)
        return Acceptance(accepted=refused, store=store, types={})
    fine = Finding(words.ACCEPTED, ConditionStatus.TRUE, words.VALID, "every rule is kept")
    return Acceptance(accepted=fine, store=store, types=types_by_stage(observed, study.spec))


def _problems(observed: Observed, spec: TuningStudySpec) -> Iterator[tuple[str, str]]:
    for problem in check(spec):
        yield words.INVALID, str(problem)
    for problem in unsupported(spec):
        yield words.NOT_SUPPORTED, str(problem)
    yield from template_problems(observed, spec)
    yield from _type_problems(observed, spec)
    yield from _price_problems(observed, spec)


def _type_problems(observed: Observed, spec: TuningStudySpec) -> Iterator[tuple[str, str]]:
    offers = types_by_stage(observed, spec)
    for stage in spec.pipeline.stages:
        for name in missing(observed, stage.hardware or spec.hardware):
            yield (
                words.UNKNOWN_INSTANCE_TYPE,
                f'InstanceType "{name}" does not exist or is not allowed in this namespace; '
                "create it, or name another one in spec.hardware",
            )
        if not offers[stage.name]:
            yield (
                words.UNKNOWN_INSTANCE_TYPE,
                f"no InstanceType fits the hardware of stage {stage.name}; "
                "label one, or change the selector",
            )
    for name in {name for names in offers.values() for name in names}:
        for problem in unsupported(observed.instance_types[name]):
            yield words.NOT_SUPPORTED, f"InstanceType {name}: {problem}"


def _price_problems(observed: Observed, spec: TuningStudySpec) -> Iterator[tuple[str, str]]:
    asked = {item.metric for item in spec.objectives}
    asked |= {item.metric for item in spec.constraints or ()}
    limited = spec.budget.max_cost is not None or spec.trial_limits.max_cost is not None
    if COST not in asked and not limited:
        return
    used = {name for names in types_by_stage(observed, spec).values() for name in names}
    for name in sorted(used):
        if observed.instance_types[name].price_per_hour is None:
            yield (
                words.PRICE_MISSING,
                f"InstanceType {name} has no pricePerHour, which a cost objective or budget "
                "needs; set it",
            )


def _store(observed: Observed) -> Finding:
    store = observed.store
    if store.reachable is None:
        return Finding(
            words.STORE_REACHABLE, ConditionStatus.UNKNOWN, words.IN_PROGRESS, "not asked yet"
        )
    if store.reachable:
        return Finding(words.STORE_REACHABLE, ConditionStatus.TRUE, words.VALID, "it answers")
    return Finding(
        words.STORE_REACHABLE,
        ConditionStatus.FALSE,
        store.reason or words.STORE_UNREACHABLE,
        store.message,
    )
