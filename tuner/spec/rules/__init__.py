"""Every rule that the schema alone cannot say, one list for CEL and for Python."""

from __future__ import annotations

from typing import Any

from tuner.spec.rule import Rule, TransitionRule

RULES: tuple[Rule[Any], ...] = ()
TRANSITION_RULES: tuple[TransitionRule[Any], ...] = ()
