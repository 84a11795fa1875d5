"""The requests of a fleet: trials that are written down, workers that sync, and their turns."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.study_log.filling import PREFIX
from benchmarks.study_log.made_up import STUDY, ended, judged, proposed
from benchmarks.study_log.server import Server
from tuner.artifacts import Patience
from tuner.errors import StoreError
from tuner.log import Crowd, StudyLog, Tender, cleaning
from tuner.log.following import LOOKBACK_MILLISECONDS, ROLL_MILLISECONDS
from tuner.log.segments import route
from tuner.log.shelf import Shelf
from tuner.log.turns import is_due

POLL_SECONDS = 5.0
GRACE_SECONDS = 45.0
"""In place of the log's: so that a short run shows deletions too."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """How many workers there are, and what they do.

    Attributes:
        workers: How many.
        rate: Trials a second, of all.
        verdicts: In one object of the operator.
        first: Number of every worker's next proposal.
        seconds: How long they work.
    """

    workers: int
    rate: float
    verdicts: int
    first: int
    seconds: float

    @property
    def pause_seconds(self) -> float:
        """Between two syncs of one worker."""
        return Crowd(ordinal=0, readers=self.workers, own="").pause_seconds


@dataclass
class Seconds:
    """How long things took."""

    put: list[float] = field(default_factory=list)
    sync: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Replay:
    """Does in one process what the processes of a fleet ask of the store.

    Of a sync all requests are made, but nothing is folded: that is measured elsewhere.
    """

    def __init__(self, server: Server, fleet: Fleet) -> None:
        self._fleet = fleet
        self._store = server.store()
        self._log = StudyLog(self._store, PREFIX, patience=Patience(seconds=30))
        self._shelf = Shelf(self._store, PREFIX, patience=Patience(seconds=30))
        self._rng = random.Random(1)
        newest = max(one.name.end for one in self._shelf.listing())
        self._known = [newest] * fleet.workers
        self._tenders: dict[int, Tender] = {}
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self.seconds = Seconds()

    def run(self) -> Seconds:
        """Works for as long as the fleet is to."""
        fleet = self._fleet
        events: list[tuple[float, int, float, Callable[[int], None], itertools.count[int]]] = []
        for number, (rate, action) in enumerate(
            [
                (fleet.rate, self._trial),
                (fleet.workers / fleet.pause_seconds, self._sync),
                (fleet.workers / POLL_SECONDS, self._poll),
            ]
        ):
            heapq.heappush(events, (0.0, number, 1 / rate, action, itertools.count()))
        start = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            while events[0][0] < fleet.seconds:
                at, number, step, action, count = heapq.heappop(events)
                time.sleep(max(0.0, start + at - time.monotonic()))
                if action == self._poll:
                    action(next(count))
                else:
                    pool.submit(action, next(count))
                heapq.heappush(events, (at + step, number, step, action, count))
        return self.seconds

    def _trial(self, index: int) -> None:
        fleet = self._fleet
        with self._lock:
            worker, number = index % fleet.workers, fleet.first + index // fleet.workers
            entry = proposed(worker, number, self._rng)
            said = ended(entry.trial, self._rng)
            self._waiting.append(entry.trial)
            due = self._waiting if len(self._waiting) == fleet.verdicts else []
            self._waiting = [] if due else self._waiting
            verdicts = [judged(trial, self._rng) for trial in due]
        self._put(lambda: self._log.append_all([entry]))
        self._put(lambda: self._log.append_all(said))
        if verdicts:
            self._put(lambda: self._log.append_all(verdicts))

    def _put(self, action: Callable[[], object]) -> None:
        begin = time.perf_counter()
        action()
        self.seconds.put.append(time.perf_counter() - begin)

    def _sync(self, index: int) -> None:
        worker = index % self._fleet.workers
        begin = time.perf_counter()
        floor = self._known[worker] - LOOKBACK_MILLISECONDS - ROLL_MILLISECONDS
        names = [one.name for one in self._shelf.listing(begin=floor)]
        known = {one for one in names if one.end <= self._known[worker]}
        for name in route(names, done=known.__contains__):
            known.update(one.name for one in self._shelf.get(name))
        self._known[worker] = max(one.end for one in names)
        self.seconds.sync.append(time.perf_counter() - begin)

    def _poll(self, index: int) -> None:
        worker = index % self._fleet.workers
        newest = self._known[worker]
        if not is_due(
            ordinal=worker,
            workers=self._fleet.workers,
            study=PREFIX,
            now=time.time(),
            newest=newest / 1000,
            pause=self._fleet.pause_seconds,
        ):
            return
        crowd = Crowd(ordinal=worker, readers=self._fleet.workers, own=f"{STUDY}-{worker}-")
        if worker not in self._tenders:
            self._tenders[worker] = Tender(self._store, PREFIX, crowd=crowd, start=self._turn)
        self.seconds.counts["turns"] += self._tenders[worker].tend(newest_segment=newest)

    def _turn(self, work: Callable[[], None]) -> None:
        def timed() -> None:
            begin = time.perf_counter()
            work()
            self.seconds.turn.append(time.perf_counter() - begin)

        threading.Thread(target=timed, daemon=True).start()


def replay(server: Server, fleet: Fleet) -> dict[str, object]:
    """Runs a fleet; what its requests took, in seconds. For a process of its own."""
    cleaning.GRACE_SECONDS = GRACE_SECONDS
    try:
        seconds = Replay(server, fleet).run()
    except StoreError as error:
        return {"error": str(error)}
    return {
        "put": seconds.put,
        "sync": seconds.sync,
        "turn": seconds.turn,
        "turns": seconds.counts["turns"],
    }
