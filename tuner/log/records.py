"""Records of the study log and their keys (docs/design/0002)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a record tells."""

    PROPOSED = "proposed"
    REPORTS = "reports"
    STAGE = "stage"
    RESULT = "result"
    VERDICT = "verdict"
    PROMOTED = "promoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One immutable entry of a study's log.

    Attributes:
        kind: What it tells.
        trial: The trial's name.
        attempt: Which pod of the trial, from 1; 0 for `proposed` and `promoted`.
        part: Tells records of one kind and attempt apart: sequence number, stage name, ordinal of
            the rung, or `0`.
        milliseconds: The store's clock when it was written.
        body: JSON object; numbers finite.
    """

    kind: Kind
    trial: str
    attempt: int
    part: str
    milliseconds: int
    body: Mapping[str, object]

    @property
    def logical_id(self) -> tuple[str, str, int, str]:
        """What makes two writes the same record."""
        return (self.kind, self.trial, self.attempt, self.part)
