"""Row "real pods": places that evaluate for 10 s each, busy share of the time in steady state.

    make cluster bench-env && python -m benchmarks.workers_pods [--look-ahead None ...]

Real: worker pods that propose (Auto), a pod for each trial with its agent, the operator, the
bucket; a stage that sleeps. One study for each --look-ahead, one after the other. Beside them, in
the same run: optuna, a process for each place on a shared journal, and deephyper, a manager with a
process pool; **their evaluations sleep in their own processes, they start no pods**.

Busy is stage seconds over places times time, from --warm-up seconds after the first evaluation
began, --window seconds long. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks._cluster import namespace_with, released
from benchmarks._report import Figure, bootstrap, report
from benchmarks.workers_pods.busy import Span, busy_share, idle_seconds, slice_shares, steady
from benchmarks.workers_pods.peers import PEERS, START_SECONDS, spans_in
from benchmarks.workers_pods.pods import INSTANCE_TYPE, TYPE, Scene, run

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "e2e" / "support"))

from bucket import open_bucket
from release import RELEASE, SECRET, SYSTEM

TARGETS = {"None": 0.75, "Pod": 0.90}
ROOT = Path(__file__).parents[2]
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


def main() -> None:
    options = _options()
    found: dict[str, Sequence[Span]] = {**_of_pods(options)}
    for name in options.peer if options.peer is not None else PEERS:
        found[f"{name}, no pods"] = _of_peer(name, options)
    figures, controls = measured(
        found,
        places=options.places,
        evaluation=options.evaluation,
        warm_up=options.warm_up,
        window=options.window,
    )
    controls["CPU cores of the machine, everything included"] = os.cpu_count()
    controls["places, and of them a worker's"] = [options.places, options.places_per_worker]
    print(report("workers_pods", figures, controls=controls))


def measured(
    found: dict[str, Sequence[Span]],
    *,
    places: int,
    evaluation: float,
    warm_up: float,
    window: float,
) -> tuple[list[Figure], dict[str, object]]:
    """Figures and controls from the evaluations of each."""
    figures: list[Figure] = []
    controls: dict[str, object] = {}
    for name, spans in found.items():
        part = steady(spans, warm_up=warm_up, seconds=window)
        share = busy_share(spans, places=places, window=part)
        slices = slice_shares(spans, places=places, window=part)
        target = TARGETS.get(name.removeprefix("look-ahead "))
        figures.append(
            Figure(
                name=f"{name}: busy share",
                value=share,
                interval=bootstrap(slices, statistics.fmean),
                target=target,
                met=None if target is None else share > target,
            )
        )
        within = [one for one in spans if part.start <= one.start and one.end <= part.end]
        controls[name] = {
            "evaluations within the window": len(within),
            "seconds of an evaluation, median": statistics.median(
                one.end - one.start for one in within
            ),
            "seconds between two evaluations of a place, mean": idle_seconds(
                share, evaluation=evaluation
            ),
        }
    return figures, controls


def _of_peer(name: str, options: argparse.Namespace) -> list[Span]:
    seconds = options.warm_up + options.window + options.evaluation
    with tempfile.TemporaryDirectory() as folder:
        words = [str(options.places), str(options.evaluation), str(seconds), folder]
        subprocess.run(
            [PEERS_PYTHON, "-m", "benchmarks.workers_pods.peers", name, *words],
            cwd=ROOT,
            timeout=2 * START_SECONDS + seconds,
            check=True,
            stdout=sys.stderr,
        )
        return spans_in(Path(folder))


def _of_pods(options: argparse.Namespace) -> dict[str, list[Span]]:
    wanted = options.look_ahead if options.look_ahead is not None else ["None", "Trial", "Pod"]
    if not wanted:
        return {}
    kube = released(anew=False)
    found = {}
    with (
        namespace_with(kube, TYPE, instance_type=INSTANCE_TYPE) as namespace,
        open_bucket(kube, namespace=SYSTEM, service=f"{RELEASE}-minio", secret=SECRET) as bucket,
    ):
        for look_ahead in wanted:
            scene = Scene(
                look_ahead=look_ahead,
                places=options.places,
                places_per_worker=options.places_per_worker,
                evaluation=options.evaluation,
            )
            seconds = options.warm_up + options.window + 2.0
            spans = run(kube, bucket, scene, namespace=namespace, seconds=seconds)
            found[f"look-ahead {look_ahead}"] = spans
            part = steady(spans, warm_up=options.warm_up, seconds=options.window)
            share = busy_share(spans, places=options.places, window=part)
            print(f"# {look_ahead}: {share:.3f}", file=sys.stderr, flush=True)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=8, help="trials at a time")
    parser.add_argument("--places-per-worker", type=int, default=1, help="of one worker pod")
    parser.add_argument("--evaluation", type=float, default=10.0, help="seconds of the stage")
    parser.add_argument("--warm-up", type=float, default=25.0, help="seconds that do not count")
    parser.add_argument("--window", type=float, default=60.0, help="seconds that count")
    parser.add_argument(
        "--look-ahead", nargs="*", metavar="WHAT", help="None Trial Pod, if nothing is said"
    )
    parser.add_argument("--peer", nargs="*", choices=list(PEERS), help="all, if nothing is said")
    return parser.parse_args()


if __name__ == "__main__":
    main()
