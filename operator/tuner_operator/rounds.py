"""What a loop needs that makes the rounds of the studies' logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner_operator.bucket import Bucket
from tuner_operator.facts import Facts
from tuner_operator.memory import Memory, StudyKey
from tuner_operator.views import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Where such a loop looks, and where it tells what it found.

    Attributes:
        bucket: The stores and the books.
        memory: Which studies there are.
        views: Their specs and trials.
        facts: Where findings go.
        changed: Called with a study about which something new was found.
    """

    bucket: Bucket
    memory: Memory
    views: Views
    facts: Facts
    changed: Callable[[StudyKey], None]
