"""What optuna and deephyper do with as many processes: no pods, evaluations only sleep.

Run in the benchmarks' environment, a process for each peer:

    .venv-bench/bin/python -m benchmarks.workers_pods.peers optuna 8 10 120 FOLDER

writes the spans of its evaluations to FOLDER, a file for each process.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.workers_pods.busy import Span

START_SECONDS = 120.0
"""For imports and the first proposals of all processes."""


def spans_in(folder: Path) -> list[Span]:
    """What the processes of a peer wrote down."""
    lines = (line for file in folder.glob("*.spans") for line in file.read_text().splitlines())
    return sorted(Span(*map(float, line.split())) for line in lines)


def evaluate(x: float, *, seconds: float, folder: Path) -> float:
    """Sleeps, and writes down when."""
    start = time.time()
    time.sleep(seconds)
    with (folder / f"{os.getpid()}.spans").open("a") as file:
        file.write(f"{start} {time.time()}\n")
    return x


def optuna(places: int, *, evaluation: float, seconds: float, folder: Path) -> None:
    """A process for each place; they share a journal in a file, as its documentation has it."""
    context = get_context("spawn")
    started = [
        context.Process(target=_optimize, args=(evaluation, seconds, folder), daemon=True)
        for _ in range(places)
    ]
    for one in started:
        one.start()
    deadline = time.monotonic() + START_SECONDS + seconds + evaluation
    for one in started:
        one.join(timeout=max(0.0, deadline - time.monotonic()))


def _optimize(evaluation: float, seconds: float, folder: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="sleep",
        storage=JournalStorage(JournalFileBackend(str(folder / "journal"))),
        load_if_exists=True,
    )
    study.optimize(
        lambda trial: evaluate(
            trial.suggest_float("x", 0.0, 1.0), seconds=evaluation, folder=folder
        ),
        timeout=seconds,
    )


def deephyper(places: int, *, evaluation: float, seconds: float, folder: Path) -> None:
    """One manager with its defaults, and a pool of a process for each place."""
    from deephyper.evaluator import Evaluator
    from deephyper.hpo import CBO, HpProblem

    problem = HpProblem()
    problem.add((0.0, 1.0), "x")
    evaluator = Evaluator.create(
        _run,
        method="process",
        method_kwargs={
            "num_workers": places,
            "run_function_kwargs": {"seconds": evaluation, "folder": folder},
        },
    )
    search = CBO(problem, random_state=1, log_dir=str(folder))
    search.search(evaluator, timeout=round(seconds))


def _run(job: Mapping[str, Any], *, seconds: float, folder: Path) -> float:
    return -evaluate(float(job["x"]), seconds=seconds, folder=folder)


PEERS: Mapping[str, Callable[..., None]] = {"optuna": optuna, "deephyper": deephyper}


def main() -> None:
    name, places, evaluation, seconds, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    PEERS[name](
        int(places), evaluation=float(evaluation), seconds=float(seconds), folder=Path(folder)
    )


if __name__ == "__main__":
    main()
