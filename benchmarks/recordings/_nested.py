"""Records a pipeline at nested random configurations: shared prefixes run once, as with a cache.

A design of (40, 4, 4) draws 40 settings of the first stage, 4 of the second for each of them and 4
of the third for each of those: 640 configurations for 40 + 160 + 640 stage runs. Seconds are CPU
seconds of one thread (`time.process_time`), the median of several runs of the same stage.
"""

from __future__ import annotations

import csv
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats.qmc import Sobol

from tuner.space import SearchSpace
from tuner.spec import Parameter
from tuner.trial import ParameterValue

Values = Mapping[str, ParameterValue]
Metrics = Mapping[str, float]

TASK = "task"
SECONDS = "_seconds"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its own parameters as in a manifest, and what it does.

    Attributes:
        name: The stage's name.
        parameters: As in a manifest.
        run: From the stage's parameters and the output before it to its output and metrics.
    """

    name: str
    parameters: tuple[Mapping[str, object], ...]
    run: Callable[[Values, object], tuple[object, Metrics]]

    @property
    def space(self) -> SearchSpace:
        """Of this stage alone."""
        return SearchSpace.from_parameters([Parameter.model_validate(p) for p in self.parameters])


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A pipeline on several data sets ("tasks"), the first of which is tuned.

    Attributes:
        name: Of the recording and its files.
        description: What was run, on what, and how the error is measured.
        stages: In order.
        tasks: What the first stage is given, by task.
        design: How many settings of each stage, by task; see the module.
        objectives: As in a manifest.
        earlier_repeats: At most so many runs of each stage in tasks but the first.
        fidelity: As in a manifest; the fidelity stage then gives metrics `<objective>@<level>`.
        packages: Whose versions belong to the facts.
    """

    name: str
    description: str
    stages: tuple[Stage, ...]
    tasks: Mapping[str, object]
    design: Mapping[str, Sequence[int]]
    objectives: tuple[Mapping[str, object], ...]
    earlier_repeats: int = 3
    fidelity: Mapping[str, object] | None = None
    packages: tuple[str, ...] = ("numpy", "scipy", "scikit-learn")


@dataclass(slots=True)
class Recorder:
    """Walks the design depth first.

    Attributes:
        recording: What is recorded.
        repeats: Runs of each stage whose median counts.
        seed: Of the design.
    """

    recording: Recording
    repeats: int = 3
    seed: int = 0
    _draws: list[Iterator[NDArray[np.float64]]] = field(default_factory=list)

    def rows(self, task: str, *, design: Sequence[int]) -> Iterator[dict[str, object]]:
        """One row a configuration: task, parameters, seconds by stage, metrics."""
        stages = self.recording.stages
        counts = np.cumprod(np.asarray(design))
        self._draws = [
            _points(len(stage.parameters), int(count), seed=self.seed + index)
            for index, (stage, count) in enumerate(zip(stages, counts, strict=True))
        ]
        yield from self._below({TASK: task}, self.recording.tasks[task], design=design, depth=0)

    def _below(
        self, row: dict[str, object], given: object, *, design: Sequence[int], depth: int
    ) -> Iterator[dict[str, object]]:
        if depth == len(self.recording.stages):
            yield row
            return
        stage = self.recording.stages[depth]
        for _ in range(design[depth]):
            parameters = stage.space.from_unit(next(self._draws[depth]))
            seconds, output, metrics = self._timed(stage, parameters, given)
            deeper = {**row, **parameters, f"{stage.name}{SECONDS}": seconds, **metrics}
            yield from self._below(deeper, output, design=design, depth=depth + 1)

    def _timed(
        self, stage: Stage, parameters: Values, given: object
    ) -> tuple[float, object, Metrics]:
        times = []
        for _ in range(self.repeats):
            start = time.process_time()
            output, metrics = stage.run(parameters, given)
            times.append(time.process_time() - start)
        return round(statistics.median(times), 5), output, metrics


def record(recording: Recording, *, folder: Path, repeats: int, shrink: int = 1) -> None:
    """Records every task into `<name>.csv`, and the facts into `<name>.json`, task by task.

    Args:
        recording: What is recorded.
        folder: Of the two files.
        repeats: Runs of each stage whose median counts.
        shrink: Only one in so many settings of the first stage.
    """
    rows: list[dict[str, object]] = []
    started = time.process_time()
    for index, (task, design) in enumerate(recording.design.items()):
        runs = min(repeats, recording.earlier_repeats) if index else repeats
        smaller = [max(1, design[0] // shrink), *design[1:]]
        for row in Recorder(recording, repeats=runs).rows(task, design=smaller):
            rows.append({key: _short(value) for key, value in row.items()})
            if len(rows) % 50 == 0:
                print(f"{task}: {len(rows)} rows", file=sys.stderr, flush=True)
        recorded = {
            "rows": len(rows),
            "repeats": repeats,
            "repeats_of_earlier_tasks": min(repeats, recording.earlier_repeats),
            "cpu_seconds_in_all": round(time.process_time() - started),
        }
        _write(recording, rows, folder=folder, recorded=recorded)


def _write(
    recording: Recording,
    rows: Sequence[Mapping[str, object]],
    *,
    folder: Path,
    recorded: Mapping[str, object],
) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (folder / f"{recording.name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = {
        "name": recording.name,
        "description": recording.description,
        "tasks": list(dict.fromkeys(row[TASK] for row in rows)),
        "stages": {stage.name: list(stage.parameters) for stage in recording.stages},
        "objectives": list(recording.objectives),
        "fidelity": recording.fidelity,
        "recorded": {
            **recorded,
            "seconds": "CPU seconds of one thread (time.process_time), median of the repeats",
            "machine": _machine(),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in recording.packages},
            },
        },
    }
    (folder / f"{recording.name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def _points(dimensions: int, count: int, *, seed: int) -> Iterator[NDArray[np.float64]]:
    """A scrambled Sobol sequence in random order, so that siblings are not neighbours in it."""
    if not dimensions:
        return iter(np.zeros((count, 0)))
    power = max(1, int(np.ceil(np.log2(count))))
    points = Sobol(dimensions, rng=seed).random_base2(power)[:count]
    return iter(np.random.default_rng(seed).permutation(points))


def _short(value: object) -> object:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _machine() -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(models),
        "threads_used": 1,
    }
