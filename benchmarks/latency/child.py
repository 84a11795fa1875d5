"""One method at one length, in a process of its own: prints each proposal as a line of JSON."""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OURS = "Auto"
REFITS = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("method")
    parser.add_argument("study", type=Path)
    parser.add_argument("--proposals", type=int, required=True)
    parser.add_argument("--limit", type=int, default=0, help="CPU seconds; 0 = no limit")
    parser.add_argument("--began", type=float, required=True, help="seconds since the epoch")
    options = parser.parse_args()
    if options.limit:
        resource.setrlimit(resource.RLIMIT_CPU, (options.limit, options.limit))
    study = pickle.loads(options.study.read_bytes())
    with_refits = options.method == OURS
    searcher = _searcher(options.method, study)
    for number in range(options.proposals + REFITS * with_refits):
        kind = "warm" if number else "cold"
        if number >= options.proposals:  # nothing kept: every model is fitted, every set chosen
            searcher, kind = _searcher(options.method, study), "refit"
        history = study.history
        wall, cpu = time.perf_counter(), time.process_time()
        suggestion = _suggest(searcher, history, number)
        seconds = time.perf_counter() - wall
        line = {"kind": kind, "wall": seconds, "cpu": time.process_time() - cpu}
        if not number:
            line |= {"start wall": time.time() - options.began, "start cpu": time.process_time()}
        print(json.dumps(line | _facts(suggestion.why)), flush=True)
        study.run(suggestion)
    if with_refits:
        print(json.dumps({"kind": "prefixes", "count": _prefixes(searcher, study.history)}))


def _searcher(method, study):
    from benchmarks.latency.history import CHOICES, SPACE, TYPES
    from tuner.searchers import make_searcher

    if method == OURS:
        return make_searcher(study.spec, space=SPACE, choices=CHOICES, instance_types=TYPES)
    from benchmarks.peers import make_peer

    return make_peer(method, spec=study.spec, space=SPACE, choices=CHOICES)


def _suggest(searcher, history, number: int):
    from tuner.searchers import proposal_rng

    found = searcher.suggest(history, number=number, rng=proposal_rng(0, worker=0, number=number))
    if found is None:
        sys.exit("nothing was proposed")
    return found


def _facts(why) -> dict[str, object]:
    return {"candidates": why["candidates"]} if "candidates" in why else {}


def _prefixes(searcher, history) -> int:
    """How many prefixes the pool of one more proposal holds."""
    with _seen() as seen:
        _suggest(searcher, history, 10**6)
    return len(seen[0].prefixes)


@contextmanager
def _seen() -> Iterator[list]:
    """Notes the pools that the engine makes."""
    from tuner.searchers.engine import engine

    seen: list = []
    plain = engine.Actions.of

    def noted(*args, **kwargs):
        seen.append(plain(*args, **kwargs))
        return seen[-1]

    engine.Actions.of = noted
    try:
        yield seen
    finally:
        engine.Actions.of = plain


if __name__ == "__main__":
    main()
