"""The verdict on one attempt: how it ended and what it cost; the body of the log's `verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from tuner.errors import LogError
from tuner.spec.trial import TrialState
from tuner.trial import Outcome

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an attempt of a segment ended, in the words of whoever ran it.

    Attributes:
        state: The trial's state from here on; a final one ends the trial.
        reason: One word, e.g. `ExitCode`, `OutOfMemory`, `Preempted`, `Budget`.
        message: One sentence for people.
        cost_usd: Of this attempt alone.
        seconds: For which this attempt is charged.
        price_per_hour: USD, as admitted.
        instance_type: Where it ran.
        segment: Which run of consecutive stages, from 0.
        start: When it was placed, seconds since the epoch.
        infrastructure: Whether the infrastructure ended it: retried, and no observation.
        failure: What the trial failed of, e.g. `ExitCode 1 in train`: trials that fail alike say
            the same. Empty unless the trial counts as failed.
    """

    state: TrialState
    reason: str = ""
    message: str = ""
    cost_usd: float = 0.0
    seconds: float = 0.0
    price_per_hour: float = 0.0
    instance_type: str = ""
    segment: int = 0
    start: float = 0.0
    infrastructure: bool = False
    failure: str = ""

    @property
    def next_segment(self) -> int:
        """Which segment the trial's next attempt carries out."""
        if self.reason == Outcome.NEXT_SEGMENT:
            return self.segment + 1
        if self.reason == Outcome.PREFIX_MISSING:
            return max(0, self.segment - 1)
        return self.segment

    def to_body(self) -> dict[str, object]:
        """The record's body: JSON values only."""
        return {"v": FORMAT, **asdict(self), "state": str(self.state)}

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> Verdict:
        """Reads a body; fields of later versions are passed over. Raises LogError."""
        values: dict[str, object] = {key: body[key] for key in body if key in _FIELDS}
        try:
            values["state"] = TrialState(str(body["state"]))
        except (KeyError, ValueError) as error:
            raise LogError(f"a verdict without a state of this version: {error}") from error
        return cls(**values)  # type: ignore[arg-type]


_FIELDS = frozenset(field.name for field in fields(Verdict))
