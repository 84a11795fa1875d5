"""Recorded clusters and hyper-parameters as tables: TrimTuner, HyperJump, Lynceus, scout, NAS.

The data are others', lie in a folder of their own and are not redistributed; see
docs/benchmark-problems.md. A cluster is one instance type: cpu and memory are those of one of its
machines, the price is that of all of them together, so that their number can be told.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.problems.protocol import Declared, ProblemStage, Values
from benchmarks.problems.tables import STAGE, Table
from tuner.trial import ParameterValue

Line = Mapping[str, str]

SIZES = (1000, 6000, 15000, 60000)
"""Training-set sizes of TrimTuner that are rungs; 30,000 costs .85 of the whole and is left out."""
STEPS = (1000, 3000, 9000, 27000)
"""What they are called: the usual rungs, a factor of three apart, fall on sizes that exist."""
BUDGETS = (75, 150, 300, 600)
"""Seconds of training of HyperJump that are rungs, a factor of two apart."""

MACHINES = {"t2.small": (1, 2), "t2.medium": (2, 4), "t2.xlarge": (4, 16), "t2.2xlarge": (8, 32)}
FAMILIES = {"c4": 1.875, "m4": 4.0, "r4": 7.625}
"""GiB a virtual CPU of the families of scout."""
CPUS = {"large": 2, "xlarge": 4, "2xlarge": 8}

COLUMNS = ("learning_rate", "batch_size", "synchronism")
PARAMETERS: tuple[Mapping[str, object], ...] = (
    {"name": "learning_rate", "ordinal": {"values": [1e-5, 1e-4, 1e-3]}},
    {"name": "batch_size", "ordinal": {"values": [16, 256]}},
    {"name": "synchronism", "categorical": {"choices": ["async", "sync"]}},
)

ERROR = {"metric": "error", "direction": "Minimize"}
RUNTIME = {"metric": "runtime", "direction": "Minimize"}
COST = {"metric": "cost", "direction": "Minimize"}

OPERATIONS = ("none", "skip", "conv1x1", "conv3x3", "pool")
NAS_SETS = ("cifar10", "cifar100", "ImageNet16-120")


def trimtuner(data: Path) -> Table:
    """A convolutional network on MNIST on 24 clusters; the training-set size re-trains."""
    lines = _lines(data / "hw_trimtuner" / "cnn.csv")
    levels = {size: level for level, size in enumerate(SIZES)}
    cells = {
        (_cell(one), levels[int(one["training_set_size"])]): (
            float(one["training_time_s"]),
            1.0 - float(one["acc"]),
        )
        for one in lines
        if int(one["training_set_size"]) in levels
    }
    fidelity = {
        "name": "step",
        "min": STEPS[0],
        "max": STEPS[-1],
        "stage": STAGE,
        "mode": "Restart",
    }
    return _trained("trimtuner-cnn", lines, cells, levels=STEPS, fidelity=fidelity, restarts=True)


def cnn_time(data: Path) -> Table:
    """The same network by seconds of training, which resume; the run time is no objective."""
    lines = _lines(data / "hw_hyperjump" / "cnn_time.csv")
    levels = {budget: level for level, budget in enumerate(BUDGETS)}
    cells = {
        (_cell(one), levels[int(one["time_budget_s"])]): (
            float(one["time_budget_s"]),
            1.0 - float(one["acc_at_budget"]),
        )
        for one in lines
        if int(one["time_budget_s"]) in levels
    }
    fidelity = {"name": "seconds", "min": BUDGETS[0], "max": BUDGETS[-1], "stage": STAGE}
    table = _trained("cnn-time", lines, cells, levels=BUDGETS, fidelity=fidelity, restarts=False)
    return replace(table, reduction=2)


def lynceus(data: Path, network: str) -> Table:
    """Lynceus, `mlp` or `cnn`: trained until an accuracy of .85 or for ten minutes."""
    everything = _lines(data / "hw_lynceus" / "tensorflow_mlp_cnn.csv")
    lines = [one for one in everything if one["network"] == network]
    cells = {
        (_cell(one), 0): (float(one["training_time"]), 1.0 - float(one["acc"])) for one in lines
    }
    return _trained(f"lynceus-{network}", lines, cells, levels=(1,), fidelity=None, restarts=False)


def scout(data: Path) -> dict[str, Table]:
    """Twelve workloads on 69 clusters, by name; nothing but the hardware is chosen.

    A run that failed counts, and is paid, as the slowest of its workload that did not, if it took
    less than that.
    """
    lines = _lines(data / "hw_lynceus" / "scout.csv")
    names = dict.fromkeys(one["task"] for one in lines)
    return {name: _workload(name, [one for one in lines if one["task"] == name]) for name in names}


def program_of(workload: str) -> str:
    """The program of a workload of scout, whatever its framework and the size of its data."""
    return workload.split("_")[0].removesuffix("-large")


def nas(data: Path) -> dict[str, Table]:
    """NAS-Bench-201 by data set: error and latency of 15,625 cells; each evaluation costs one."""
    path = data / "transfer_nasbench201" / "nas_bench102.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        lines = list(csv.DictReader(file))
    return {
        name: _cells_of(name, [one for one in lines if one["task"] == name]) for name in NAS_SETS
    }


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _cell(line: Line) -> tuple[str, Values]:
    return _cluster(line), _Frozen(
        learning_rate=float(line["learning_rate"]),
        batch_size=int(line["batch_size"]),
        synchronism=line["synchronism"],
    )


class _Frozen(dict[str, ParameterValue]):
    """Parameters that can be a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _cluster(line: Line) -> str:
    return f"{line['vm_flavor'].replace('.', '-')}-x{line['n_workers']}"


def _trained(
    name: str,
    lines: Sequence[Line],
    cells: Mapping[tuple[tuple[str, Values], int], tuple[float, float]],
    *,
    levels: Sequence[int],
    fidelity: Mapping[str, object] | None,
    restarts: bool,
) -> Table:
    """A table of a network on clusters of workers and a parameter server."""
    types = {}
    for one in lines:
        cpus, memory = MACHINES[one["vm_flavor"]]
        machines = int(one["n_workers"]) + int(one.get("n_ps") or 1)
        types[_cluster(one)] = _type(cpus, memory, machines * float(one["usd_per_vm_hour"]))
    rows = list(dict.fromkeys(cell for cell, _ in cells))
    found = np.array([[cells[row, level] for level in range(len(levels))] for row in rows])
    timed = name != "cnn-time"
    return Table(
        declared=Declared(
            name=name,
            parameters=PARAMETERS,
            stages=[ProblemStage(STAGE, COLUMNS)],
            objectives=[ERROR, RUNTIME, COST] if timed else [ERROR, COST],
            instance_types=types,
            fidelity=fidelity,
        ),
        parameters=[dict(parameters) for _, parameters in rows],
        types=[kind for kind, _ in rows],
        levels=tuple(map(float, levels)),
        taken=found[:, :, 0],
        values={"error": found[:, :, 1]},
        restarts=restarts,
    )


def _workload(name: str, lines: Sequence[Line]) -> Table:
    types, seconds = {}, []
    worst = max(float(one["elapsed_s"]) for one in lines if one["completed"] == "True")
    for one in lines:
        family, size = one["instance"].split(".")
        price = int(one["nodes"]) * float(one["usd_per_node_hour"])
        kind = f"{family}-{size}-x{one['nodes']}"
        types[kind] = _type(CPUS[size], CPUS[size] * FAMILIES[family], price)
        taken = float(one["elapsed_s"])
        seconds.append(taken if one["completed"] == "True" else max(taken, worst))
    return Table(
        declared=Declared(
            name=name.replace("_", "-"),
            parameters=[{"name": "nothing", "ordinal": {"values": [1]}}],
            stages=[ProblemStage(STAGE, ("nothing",))],
            objectives=[RUNTIME, COST],
            instance_types=types,
        ),
        parameters=[{"nothing": 1}] * len(lines),
        types=list(types),
        levels=(1.0,),
        taken=np.array(seconds)[:, None],
        values={},
    )


def _cells_of(name: str, lines: Sequence[Line]) -> Table:
    edges = [f"hp_x{edge}" for edge in range(6)]
    first = {tuple(int(one[edge]) for edge in edges): one for one in lines}
    keys = list(product(range(len(OPERATIONS)), repeat=len(edges)))
    known = [key for key in keys if key in first]

    def column(key: str) -> np.ndarray:
        return np.array([float(first[one][key]) for one in known])[:, None]

    return Table(
        declared=Declared(
            name=f"nas-{name.lower()}",
            parameters=[
                {"name": f"edge_{edge}", "categorical": {"choices": list(OPERATIONS)}}
                for edge in range(len(edges))
            ],
            stages=[ProblemStage(STAGE, tuple(f"edge_{edge}" for edge in range(len(edges))))],
            objectives=[ERROR, {"metric": "latency", "direction": "Minimize"}],
        ),
        parameters=[
            {f"edge_{edge}": OPERATIONS[value] for edge, value in enumerate(one)} for one in known
        ],
        types=["machine"] * len(known),
        levels=(1.0,),
        taken=np.ones((len(known), 1)),
        values={
            "error": column("metric_error") / 100.0,
            "latency": column("metric_latency") * 1000.0,
        },
    )


def _type(cpus: int, memory_gib: float, price_per_hour: float) -> dict[str, object]:
    return {
        "pricePerHour": round(price_per_hour, 6),
        "resources": {"cpu": str(cpus), "memory": f"{memory_gib:g}Gi"},
    }


READERS: Mapping[str, Callable[[Path], Table]] = {
    "trimtuner": trimtuner,
    "cnn-time": cnn_time,
    "mlp": lambda data: lynceus(data, "mlp"),
}
"""Tables of networks on clusters, by name."""
