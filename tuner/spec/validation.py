"""The rules of the API applied to parsed objects."""

from __future__ import annotations

from tuner.spec.base import Model
from tuner.spec.problems import Problem
from tuner.spec.rule import broken, broken_transitions
from tuner.spec.rules import RULES, TRANSITION_RULES


def check(model: Model, *, old: Model | None = None) -> list[Problem]:
    """Every rule that an object breaks, or that its change from `old` breaks.

    Args:
        model: A `TuningStudy`, `TuningTrial` or `InstanceType`, or a part of one.
        old: The same object before the change.

    Returns:
        Problems with paths from the given model's root, in the order of the fields.
    """
    problems = broken(model, RULES)
    if old is not None:
        problems += broken_transitions(old, model, rules=TRANSITION_RULES)
    return problems
