"""Taking a rung decision where the data is: the one piece of it that touches the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuner.log.keys import RungEntry, rung_name
from tuner.log.rungs import MAX_SAW, StoredDecision
from tuner.schedulers._protocol import RungRecord, TrialScheduler


class RungLog(Protocol):
    """The part of `StudyLog` that a decision needs."""

    def put_rung(
        self, bracket: int, level: float, *, trial: str, attempt: int, vector: Sequence[float]
    ) -> str:
        """Writes a trial's vector at a rung and returns its key."""

    def list_rung(self, bracket: int, level: float) -> list[RungEntry]:
        """The rung, one entry a trial."""

    def put_decision(
        self, bracket: int, level: float, *, trial: str, decision: StoredDecision
    ) -> None:
        """Stores a decision."""

    def get_decision(self, bracket: int, level: float, *, trial: str) -> StoredDecision | None:
        """The stored decision, or None."""


def decide_at_rung(
    log: RungLog,
    *,
    scheduler: TrialScheduler,
    bracket: int,
    level: float,
    trial: str,
    attempt: int,
    vector: Sequence[float],
) -> StoredDecision:
    """Writes the rung record, lists the rung, decides and stores the decision.

    Of two trials that arrive at once at least one sees the other. A decision that was stored is
    read back: it is taken once, whatever crashes in between.

    Raises:
        StoreError: The store fails; calling again is harmless.
    """
    stored = log.get_decision(bracket, level, trial=trial)
    if stored is not None:
        return stored
    log.put_rung(bracket, level, trial=trial, attempt=attempt, vector=vector)
    entries = log.list_rung(bracket, level)
    rung = [RungRecord(trial=one.trial, vector=one.vector) for one in entries]
    decision = scheduler.decide(level, rung=rung, trial=trial)
    taken = StoredDecision(
        verb=str(decision.verb),
        rank=decision.rank,
        of=decision.of,
        reason=decision.reason,
        saw=tuple(rung_name(one) for one in entries[:MAX_SAW]),
    )
    log.put_decision(bracket, level, trial=trial, decision=taken)
    return taken
