"""The seam of early stopping: a pure decision over one rung."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Verb(StrEnum):
    """What becomes of a trial at a rung."""

    CONTINUE = "Continue"
    STOP = "Stop"
    PAUSE = "Pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungRecord:
    """One trial's objective vector at a rung, as reported (never sign-flipped)."""

    trial: str
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the newcomer.

    Attributes:
        verb: Continue, stop or pause.
        rank: 1-based place of the newcomer in the rung.
        of: How many trials the rung held, the newcomer included.
        reason: One sentence for people, e.g. `rung 3: 7th of 14, stopped`.
    """

    verb: Verb
    rank: int
    of: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a trial that waits at a rung stands there now.

    Attributes:
        trial: Its name.
        rank: 1-based place in the rung; trials with equal vectors stand by name.
        of: How many trials the rung holds.
        promotable: Whether it is among the best that may go on. Once one is not, none after it is.
        unbeaten: Whether no trial of the rung dominates it; likewise.
    """

    trial: str
    rank: int
    of: int
    promotable: bool
    unbeaten: bool


class TrialScheduler(Protocol):
    """Decides at rungs; knows no clock, no store, no process."""

    def rungs(self) -> Sequence[float]:
        """The fidelities at which a decision is due, rising, full fidelity left out."""

    def decide(self, level: float, *, rung: Sequence[RungRecord], trial: str) -> Decision:
        """The fate of `trial`, which is among `rung`. Raises SchedulerError if it is not."""

    def standings(
        self, rung: Sequence[RungRecord], *, waiting: Collection[str]
    ) -> Iterator[Standing]:
        """How the trials that wait at the rung stand in it, the best first."""
