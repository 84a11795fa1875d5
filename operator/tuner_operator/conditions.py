"""Setting conditions: the transition time changes with the status only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.spec.conditions import Condition, ConditionStatus
from tuner_operator import moments

MAX_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What is true now of one aspect; becomes a condition."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""


def is_true(conditions: Iterable[Condition] | None, type_: str) -> bool:
    """Whether a condition of that type is there and True."""
    return any(one.type == type_ and one.status is ConditionStatus.TRUE for one in conditions or ())


def find(conditions: Iterable[Condition] | None, type_: str) -> Condition | None:
    """The condition of that type."""
    return next((one for one in conditions or () if one.type == type_), None)


def merge(
    conditions: Iterable[Condition] | None,
    findings: Iterable[Finding],
    *,
    now: float,
    generation: int | None,
) -> tuple[Condition, ...]:
    """The conditions with the findings in them; those of other types stay as they are."""
    known: Mapping[str, Condition] = {one.type: one for one in conditions or ()}
    merged = dict(known)
    for finding in findings:
        merged[finding.type] = _merged(
            known.get(finding.type), finding, now=now, generation=generation
        )
    return tuple(merged.values())


def _merged(
    old: Condition | None, finding: Finding, *, now: float, generation: int | None
) -> Condition:
    same = old is not None and old.status is finding.status
    return Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        message=finding.message[:MAX_MESSAGE],
        last_transition_time=old.last_transition_time
        if same and old is not None
        else moments.moment(now),
        observed_generation=generation,
    )
