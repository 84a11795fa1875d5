"""The text pipeline for real, under `tuner run`: ours against plain expected improvement.

    python -m benchmarks.live_text [--seeds 2] [--full-runs 20] [--replays 10]

EEIPU and HyperBO, which without earlier studies is expected improvement with neither costs nor
reuse, get equal dollars, that is seconds of one core, from the same first ten trials; HyperBO once
with and once without the stage cache. One study runs at a time, as when the budget is measured.
Beside them stands the replay, run with the same budget over some seeds, with its 95 % interval.
Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks._arguments import default_data
from benchmarks._report import Figure, report
from benchmarks._statistics import ratio
from benchmarks.problems.registry import load
from benchmarks.simulate import budget_in_runs, product, run
from benchmarks.trace import Trace, trace_of
from tuner.artifacts import FolderStore
from tuner.backends.local.runs import NAMESPACE, runs, uid_of
from tuner.log import StudyLog, study_prefix

HERE = Path(__file__).parent
STUDY = "live-text"
OURS, PLAIN = "EEIPU", "HyperBO"
METHODS = ((OURS, True), (PLAIN, True), (PLAIN, False))
WARM_UP = 10
WORK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One study to run."""

    method: str
    cached: bool
    seed: int
    usd: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of the data")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--full-runs", type=int, default=20, help="median runs after the warm-up")
    parser.add_argument("--replays", type=int, default=10, help="seeds of the replay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-text-") as scratch:
        usd = budget(Path(scratch), options.data, full_runs=options.full_runs)
        wanted = [
            Live(method=method, cached=cached, seed=seed, usd=usd)
            for seed in range(options.seeds)
            for method, cached in METHODS
        ]
        traces = [live(one, Path(scratch), options.data) for one in wanted]
    if not all(one.after_warm_up for one in traces):
        parser.error("a study ended in its warm-up: raise --full-runs")
    replayed = list(replays(options.replays, full_runs=options.full_runs))
    print(report("live_text", list(figures(traces, replayed)), controls=controls(traces, usd=usd)))


def budget(scratch: Path, data: Path, *, full_runs: int) -> float:
    """Ten and so many times what a random run takes here, in USD = seconds."""
    probe = live(Live(method="Sobol", cached=False, seed=0, usd=1e6), scratch, data, trials=WARM_UP)
    return (WARM_UP + full_runs) * statistics.median(one.usd for one in probe.completed)


def live(one: Live, scratch: Path, data: Path, *, trials: int | None = None) -> Trace:
    """Runs one study with `tuner run` in a folder of its own."""
    folder = scratch / f"{one.method}-{one.cached}-{one.seed}"
    folder.mkdir()
    manifest = folder / "study.yaml"
    manifest.write_text(yaml.safe_dump_all(manifests(one, data=data, trials=trials)))
    store = folder / "store"
    words = [sys.executable, "-m", "tuner", "run", str(manifest), "--store", str(store)]
    with (folder / "output.log").open("w") as output:
        subprocess.run(words, check=True, stdout=output, stderr=output)
    trace = read(store, one)
    shutil.rmtree(store)
    print(f"{one}: {len(trace.after_warm_up)} after the warm-up", file=sys.stderr, flush=True)
    return trace


def manifests(one: Live, *, data: Path, trials: int | None) -> list[dict[str, Any]]:
    """The study with what this run changes."""
    study, core = yaml.safe_load_all((HERE / "study.yaml").read_text())
    spec = study["spec"]
    spec["searcher"] = {"type": one.method, "seed": one.seed}
    spec["budget"] = {"maxCost": one.usd} | ({} if trials is None else {"maxTrials": trials})
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    values = {"DATA": str(data.resolve()), "WORK": str(WORK)} | dict.fromkeys(threads, "1")
    spec["pipeline"]["env"] = [{"name": name, "value": value} for name, value in values.items()]
    for stage in spec["pipeline"]["stages"]:
        stage["command"] = [sys.executable, str(HERE / "stage.py"), stage["name"]]
        stage["cache"] = "Reuse" if one.cached else "Never"
    return [study, core]


def read(folder: Path, one: Live) -> Trace:
    """The trace of the only study in a store."""
    store = FolderStore(folder)
    uid = uid_of(max(runs(store, STUDY)))
    return trace_of(
        StudyLog(store, study_prefix(NAMESPACE, STUDY, uid=uid)),
        problem=STUDY,
        method=one.method,
        seed=one.seed,
        cached=one.cached,
        began=0.0,
        end="",
        proposals={},
        warm_up="Sobol",
    )


def replays(seeds: int, *, full_runs: int) -> Iterator[Trace]:
    """The same methods on the replay, from ten Sobol points as in `tuner run`."""
    problem = load("text")
    for seed in range(seeds):
        for method, cached in METHODS:
            yield run(
                problem,
                product(method),
                seed=seed,
                budget=budget_in_runs(problem, full_runs, seed=seed),
                cache=cached,
                warm_up=0,
                name=method,
            )


def figures(traces: Sequence[Trace], replayed: Sequence[Trace]) -> Iterator[Figure]:
    """Ours over plain, live beside the replay's interval."""
    for cached in (False, True):
        regime = "R2" if cached else "R1"
        seen, expected = _counts(traces, cached=cached), _counts(replayed, cached=cached)
        interval = ratio(*expected)
        value = sum(seen[0]) / sum(seen[1])
        yield Figure(name=f"{regime}: configurations over EI, live", value=value)
        yield Figure(
            name=f"{regime}: configurations over EI, replayed",
            value=interval.value,
            interval=interval.interval,
        )


def _counts(traces: Sequence[Trace], *, cached: bool) -> tuple[list[float], list[float]]:
    of = {(one.method, one.cached, one.seed): float(len(one.after_warm_up)) for one in traces}
    seeds = sorted({one.seed for one in traces})
    return [of[OURS, True, seed] for seed in seeds], [of[PLAIN, cached, seed] for seed in seeds]


def controls(traces: Sequence[Trace], *, usd: float) -> Mapping[str, object]:
    """Every study's counts, hits and errors."""
    found: dict[str, object] = {
        "budget, seconds": usd,
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }
    for one in traces:
        own = one.after_warm_up
        best = one.best_so_far("error")
        hit = [trial for trial in own if trial.cached]
        saved = sum(trial.full_seconds[name] for trial in hit for name in trial.cached)
        full = sum(sum(trial.full_seconds.values()) for trial in hit)
        found[f"{one.method}, {'cache' if one.cached else 'no cache'}, seed {one.seed}"] = {
            "configurations": len(own),
            "p": one.hit_rate,
            "s": saved / full if full else 0.0,
            "error after the warm-up and at the end": [
                float(best[len(one.trials) - len(own) - 1]),
                float(best[-1]),
            ],
        }
    return found


if __name__ == "__main__":
    main()
