"""Every rule that types alone cannot say: one list for CEL and for Python."""

from __future__ import annotations

from typing import Any

from tuner.spec.rule import Rule, TransitionRule
from tuner.spec.rules import initial, pipeline, pods, search, study, transitions

RULES: tuple[Rule[Any], ...] = (
    *study.RULES,
    *search.RULES,
    *initial.RULES,
    *pipeline.RULES,
    *pods.RULES,
)
TRANSITION_RULES: tuple[TransitionRule[Any], ...] = transitions.RULES
