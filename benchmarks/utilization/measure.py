"""What a proposal costs a worker, measured: CPU seconds at study lengths up to half a million.

A worker of a made-up study (benchmarks.latency: 14 mixed parameters, instance types, 3 objectives,
3 stages) reads the log that all workers together write, a minute's worth between two proposals of
its own, and proposes with the product's memory and searcher. Counted apart: reading (decoding and
folding records), and proposing (choosing what is told, reading it into arrays, models, search).
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks._one_thread import one_thread
from benchmarks.latency.history import CHOICES, SPACE, SPEC, TYPES
from benchmarks.utilization.stream import Stream
from tuner.log.records import Record
from tuner.searchers import Searcher, make_searcher, proposal_rng
from tuner.study.chronicle import Chronicle
from tuner.worker.memory import KEPT, Memory
from tuner.worker.pod import COLLECT

LENGTHS = (100, 1_000, 10_000, 100_000, 500_000)
LONG = 10_000
"""Beyond it a worker's models are as old as its last proposal; up to it all are fitted anew."""

ROUNDS = 5
"""Of a short study so many places run at a time that these rounds have ended."""

EVALUATION_SECONDS = 60.0
BATCH = 500
OWN = 1
"""The worker that is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """CPU seconds at one length of the study.

    Attributes:
        trials: How many had been proposed.
        proposals: Seconds of each proposal.
        reading: Seconds of reading one trial's records, mean.
        told: How many trials the searcher was told of.
        megabytes: The process's largest size so far, some 90 MB of the stream's among it.
    """

    trials: int
    proposals: tuple[float, ...]
    reading: float
    told: int
    megabytes: float

    @property
    def mean(self) -> float:
        """Seconds of a proposal."""
        return statistics.mean(self.proposals)


class Reader:
    """Reads a stream into a worker's memory."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._steps = Stream(workers=workers, evaluation_seconds=EVALUATION_SECONDS).steps()
        self.chronicle = Chronicle()
        self.memory = Memory(self.chronicle, worker=OWN, objectives=SPEC.objectives, kept=KEPT)
        self.trials = 0

    def skip_to(self, trials: int) -> None:
        """Reads without being measured."""
        while self.trials < trials:
            for records in self._next(min(BATCH, trials - self.trials)):
                self.chronicle.add(records)
            self.memory.update()

    def read(self, trials: int) -> float:
        """Reads so many more, encoded as they are in the store; CPU seconds."""
        coded = [[_encoded(one) for one in records] for records in self._next(trials)]
        start = time.process_time()
        for records in coded:
            self.chronicle.add([replace(one, body=json.loads(body)) for one, body in records])
        self.memory.update()
        return time.process_time() - start

    def _next(self, count: int) -> Iterator[list[Record]]:
        for _ in range(count):
            yield next(self._steps)
            self.trials += 1


def measure(workers: int, *, lengths: Sequence[int], proposals: int) -> Iterator[Measured]:
    """Measures at each length, rising."""
    gc.set_threshold(*COLLECT)
    reader, searcher = Reader(workers), _searcher(workers)
    for length in lengths:
        if length < ROUNDS * workers:
            few = max(1, length // ROUNDS)
            reader, searcher = Reader(few), _searcher(few)
        elif reader.workers != workers:
            reader, searcher = Reader(workers), _searcher(workers)
        reader.skip_to(length)
        seconds, reading, told = [], [], 0
        for number in range(proposals):
            fresh = reader.workers
            reading.append(reader.read(fresh) / fresh)
            if length <= LONG:
                searcher = _searcher(reader.workers)
            start = time.process_time()
            history = reader.memory.history()
            rng = proposal_rng(0, worker=OWN, number=number)
            if searcher.suggest(history, number=number, rng=rng) is None:
                raise RuntimeError("nothing was proposed")
            seconds.append(time.process_time() - start)
            told = len(history.trials)
        yield Measured(
            trials=length,
            proposals=tuple(seconds),
            reading=statistics.mean(reading),
            told=told,
            megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        )


def _searcher(workers: int) -> Searcher:
    return make_searcher(
        SPEC, space=SPACE, choices=CHOICES, instance_types=TYPES, worker=OWN, workers=workers
    )


def _encoded(record: Record) -> tuple[Record, bytes]:
    return record, json.dumps(record.body).encode()


def load(path: Path) -> list[Measured]:
    """What an earlier run wrote."""
    rows = json.loads(path.read_text())
    return [Measured(**{**row, "proposals": tuple(row["proposals"])}) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1_920)
    parser.add_argument("--longest", type=int, default=LENGTHS[-1])
    parser.add_argument("--proposals", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    one_thread()
    rows = []
    lengths = [length for length in LENGTHS if length <= options.longest]
    for one in measure(options.workers, lengths=lengths, proposals=options.proposals):
        rows.append(asdict(one))
        options.out.write_text(json.dumps(rows) + "\n")
        print(f"{one.trials}: {one.mean:.2f} s, read {1e6 * one.reading:.0f} us", file=sys.stderr)


if __name__ == "__main__":
    main()
