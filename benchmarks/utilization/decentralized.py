"""Workers without a manager: each proposes for its own places, all read and write one log."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.utilization.setting import Outcome, Setting


@dataclass(slots=True)
class _Process:
    """A worker's process: one proposal at a time, for its places in turn."""

    waiting: deque[tuple[int, int | None]] = field(default_factory=deque)
    at_work: tuple[int, int | None] | None = None
    written: int | None = None
    read: int = 0
    ready: float | None = None
    dead_until: float = 0.0
    life: int = 0


def simulate(setting: Setting) -> Outcome:
    """Runs until the horizon."""
    return _Run(setting).run()


class _Run:
    """Events in virtual time. A trial is a number; whoever is cut goes on with the same one."""

    def __init__(self, setting: Setting) -> None:
        self._s = setting
        self._rng = np.random.default_rng(setting.seed)
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        count = -(-setting.places // setting.places_per_worker)
        self._processes = [_Process() for _ in range(count)]
        self._proposed = 0
        self._ended: Counter[int] = Counter()
        self._running: dict[int, tuple[int, float]] = {}
        self._lives = [0] * setting.places
        self._busy = 0.0
        self._cut: set[int] = set()
        self._cut_seconds = 0.0
        self._cpu = {"proposal": 0.0, "reading": 0.0}

    def run(self) -> Outcome:
        s = self._s
        for place in range(s.places):
            self._processes[place // s.places_per_worker].waiting.append((place, None))
        for worker in range(len(self._processes)):
            self._at(0.0, lambda worker=worker: self._work(worker))
        for worker, seconds in s.faults.deaths:
            self._at(seconds, lambda worker=worker: self._die(worker))
        while self._events and self._events[0][0] < s.horizon:
            self._now, _, act = heapq.heappop(self._events)
            act()
        for _, began in self._running.values():
            self._busy += s.horizon - began
        running = {trial for trial, _ in self._running.values()}
        waiting = {trial for one in self._processes for _, trial in one.waiting}
        count = max(self._proposed, 1)
        return Outcome(
            utilization=self._busy / (s.places * s.horizon),
            finished=len(self._ended),
            proposed=self._proposed,
            lost=len(self._cut - set(self._ended) - running - waiting),
            twice=sum(times > 1 for times in self._ended.values()),
            repeated=self._cut_seconds / (s.places * s.horizon),
            proposal_seconds=self._cpu["proposal"] / count,
            reading_seconds=self._cpu["reading"] / count,
        )

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (seconds, self._order, act))

    def _store(self, seconds: float, start: float | None = None) -> float:
        """When a request that takes so long is answered."""
        start = self._now if start is None else start
        away = self._s.faults.away
        if away is None or start + seconds < away[0] or start >= away[1]:
            return start + seconds
        return away[1] + float(self._rng.uniform(0, self._s.faults.retry_seconds)) + seconds

    def _work(self, worker: int) -> None:
        """Takes up the next free place, if the process has nothing else to do."""
        process = self._processes[worker]
        if process.at_work or not process.waiting or self._now < process.dead_until:
            return
        process.at_work = place, cut = process.waiting.popleft()
        if cut is not None:
            done = self._now
        elif process.ready is not None:
            done, process.ready = max(self._now, process.ready), None
        else:
            done = self._store(self._s.delays.sync) + self._cpu_seconds(process)
        life = process.life
        self._at(done, lambda: self._write(worker, place, cut, life))

    def _cpu_seconds(self, process: _Process) -> float:
        fresh = self._proposed - process.read
        process.read = self._proposed
        reading = fresh * self._s.costs.reading
        free = len(self._ended) < self._s.free_until
        proposal = 0.0 if free else self._s.costs.proposal(self._proposed)
        self._cpu["reading"] += reading
        self._cpu["proposal"] += proposal
        return reading + proposal

    def _write(self, worker: int, place: int, cut: int | None, life: int) -> None:
        process = self._processes[worker]
        if process.life != life:
            return
        # What is on its way to the store arrives, whoever dies now.
        if cut is None:
            trial, done = self._proposed, self._store(self._s.delays.put)
            self._proposed += 1
        else:
            trial, done = cut, self._now
        process.written = place
        self._at(done + self._s.delays.begin, lambda: self._begin(worker, place, trial, life))
        self._at(done, lambda: self._free(worker, life))

    def _free(self, worker: int, life: int) -> None:
        process = self._processes[worker]
        if process.life != life:
            return
        process.at_work = process.written = None
        if process.waiting:
            self._work(worker)
        elif self._s.look_ahead and process.ready is None:
            process.ready = self._now + self._s.delays.sync + self._cpu_seconds(process)

    def _begin(self, worker: int, place: int, trial: int, life: int) -> None:
        if self._processes[worker].life != life:
            # The proposal is in the log: whoever comes back starts it.
            self._cut.add(trial)
            self._processes[worker].waiting.appendleft((place, trial))
            self._work(worker)
            return
        self._running[place] = (trial, self._now)
        life_of_place = self._lives[place]
        end = self._now + self._s.draw(self._rng)
        self._at(end, lambda: self._end(worker, place, life_of_place))

    def _end(self, worker: int, place: int, life: int) -> None:
        if self._lives[place] != life:
            return
        trial, began = self._running.pop(place)
        self._busy += self._now - began
        written = self._store(self._s.delays.put)
        self._at(written, lambda: self._ended.update([trial]))
        self._at(written + self._s.delays.notice, lambda: self._vacate(worker, place))

    def _vacate(self, worker: int, place: int) -> None:
        self._processes[worker].waiting.append((place, None))
        self._work(worker)

    def _die(self, worker: int) -> None:
        """Process and evaluations are gone; what was proposed is in the log and is begun again."""
        s, process = self._s, self._processes[worker]
        first = worker * s.places_per_worker
        for place in range(first, min(first + s.places_per_worker, s.places)):
            self._lives[place] += 1
            if place in self._running:
                trial, began = self._running.pop(place)
                self._busy += self._now - began
                self._cut_seconds += self._now - began
                self._cut.add(trial)
                process.waiting.append((place, trial))
        if process.at_work and process.written is None:
            process.waiting.append(process.at_work)
        process.life += 1
        process.at_work = process.written = process.ready = None
        process.read = self._proposed
        reading = self._proposed * s.costs.first_reading
        process.dead_until = self._now + s.faults.dead_seconds + s.costs.restart + reading
        self._at(process.dead_until, lambda: self._work(worker))
