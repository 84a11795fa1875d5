"""How many pods to make ahead of their places, simulated: busy share and what waiting pods cost.

    python -m benchmarks.held_pods

Eight places, turns of 10 s (lognormal, sd of the logarithm .3). What is charged was measured on
the test cluster: .5 s from the end of a turn to the beginning of the next one in a pod that waits;
1.1 s until the kubelet tells of an end; .25 s more until the next trial is proposed; 2.2 s until a
pod that is made then is ready. Nothing is measured here: the figures justify `how_many` of the
operator (docs/design/0010), and `benchmarks.workers_pods` shows what comes of it on real pods.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass, field

from benchmarks._report import Figure, report

HAND_OVER = 0.5
NOTICE = 1.1
PROPOSAL = 0.25
START = 2.2
LONG = 1500.0


@dataclass(kw_only=True)
class Places:
    """Places, the pods that wait for them and the trials that wait for either.

    Attributes:
        places: How many trials run side by side.
        held: At most so many pods wait.
        seconds: Of a turn, its median.
        spread: The sd of its logarithm.
        seed: Of the turns.
        busy: Seconds of turns so far.
        waited: Seconds that ready pods have waited.
    """

    places: int
    held: int
    seconds: float
    spread: float
    seed: int = 0
    busy: float = 0.0
    waited: float = 0.0
    _now: float = 0.0
    _free: int = 0
    _ready: list[float] = field(default_factory=list)
    _queue: int = 0
    _early: int = 0
    _events: list[tuple[float, int, str]] = field(default_factory=list)
    _count: int = 0
    _rng: random.Random = field(init=False)

    def run(self) -> tuple[float, float]:
        """The busy share of the places' time, and how many pods wait on average."""
        self._rng = random.Random(self.seed)
        self._free, self._queue = self.places, 2 * self.places
        self._fill()
        while self._events:
            self._now, _, what = heapq.heappop(self._events)
            if self._now > LONG:
                break
            getattr(self, f"_{what}")()
        return self.busy / (self.places * LONG), self.waited / LONG

    def _after(self, seconds: float, what: str) -> None:
        self._count += 1
        heapq.heappush(self._events, (self._now + seconds, self._count, what))

    def _begin(self, delay: float) -> None:
        seconds = self.seconds * self._rng.lognormvariate(0.0, self.spread)
        self.busy += max(0.0, min(seconds, LONG - self._now - delay))
        self._after(delay + seconds, "end")

    def _end(self) -> None:
        self._after(HAND_OVER, "written")
        self._after(NOTICE, "told")
        self._after(NOTICE + PROPOSAL, "proposed")

    def _written(self) -> None:
        if self._ready:
            self._early += 1
            self._release()

    def _told(self) -> None:
        if self._early:
            self._early -= 1
        else:
            self._free += 1
        self._fill()

    def _proposed(self) -> None:
        self._queue += 1
        self._fill()

    def _release(self) -> None:
        ready = heapq.heappop(self._ready)
        self.waited += max(0.0, self._now - ready)
        self._begin(max(0.0, ready - self._now))

    def _fill(self) -> None:
        while self._free and (self._ready or self._queue):
            self._free -= 1
            if self._ready:
                self._release()
            else:
                self._queue -= 1
                self._begin(START)
        while self._queue and len(self._ready) < self.held:
            self._queue -= 1
            heapq.heappush(self._ready, self._now + START)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a turn")
    parser.add_argument("--spread", type=float, default=0.3, help="sd of its logarithm")
    options = parser.parse_args()
    figures = []
    for held in range(options.places + 1):
        busy, waiting = Places(held=held, **vars(options)).run()
        print(f"# {held} held: busy {busy:.3f}, {waiting:.2f} pods wait")
        figures += [
            Figure(name=f"{held} held: busy share, simulated", value=busy),
            Figure(name=f"{held} held: pods that wait on average", value=waiting),
        ]
    print(report("held_pods", figures, controls=vars(options)))


if __name__ == "__main__":
    main()
