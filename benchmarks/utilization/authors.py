"""The published runs (arXiv 2207.00479, logs of its plots) and how the simulator does on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.utilization.controls import centralized
from benchmarks.utilization.setting import Costs, Delays, Outcome, Setting, constant

PLACES = (40, 160, 640, 1_920)
MANAGER_SECONDS = 1.3
EVALUATION_SECONDS = 650.0
RANDOM_UNTIL = 10
"""The authors' optimiser draws at random until it has seen so many results."""


@dataclass(frozen=True, slots=True)
class Published:
    """One run of theirs.

    Attributes:
        utilization: By their formula.
        evaluations: Counted by them.
    """

    utilization: float
    evaluations: int

    def busy_seconds(self, places: int, *, horizon: float = 7_200.0) -> float:
        """Of an evaluation, mean, as utilisation and count imply it."""
        return self.utilization * places * horizon / self.evaluations


CENTRALIZED: Mapping[int, Published] = {
    40: Published(0.978, 444),
    160: Published(0.983, 1_247),
    640: Published(0.728, 5_137),
    1_920: Published(0.267, 6_055),
}
DECENTRALIZED: Mapping[int, Published] = {
    40: Published(0.972, 503),
    160: Published(0.990, 2_198),
    640: Published(0.992, 9_930),
    1_920: Published(0.990, 29_222),
}


def reproduced(places: int, *, evaluation_seconds: float = EVALUATION_SECONDS) -> Outcome:
    """Their manager with our simulator: proposals cost it 1.3 s, the random ones nothing."""
    return centralized(
        Setting(
            places=places,
            draw=constant(evaluation_seconds),
            delays=Delays(put=0.0, sync=0.0),
            costs=Costs(proposal=lambda count: MANAGER_SECONDS),
            free_until=RANDOM_UNTIL,
        )
    )
