"""What `benchmarks.recordings` wrote, as arrays."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.space import SearchSpace
from tuner.spec import Parameter
from tuner.trial import ParameterValue

Array = NDArray[np.float64]
Row = Mapping[str, str]

FOLDER = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True)
class Recorded:
    """A recording.

    Attributes:
        facts: Of `<name>.json`: tasks, stages, objectives, fidelity, machine, fit.
        rows: Of `<name>.csv`.
    """

    facts: Mapping[str, Any]
    rows: Sequence[Row]

    @classmethod
    def read(cls, name: str, *, folder: Path = FOLDER) -> Recorded:
        """Reads both files. Raises FileNotFoundError."""
        with (folder / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return cls(json.loads((folder / f"{name}.json").read_text()), rows)

    @cached_property
    def space(self) -> SearchSpace:
        """Of all stages."""
        return SearchSpace.from_parameters(
            [Parameter.model_validate(one) for own in self.stages.values() for one in own]
        )

    @property
    def stages(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Parameters by stage, in order."""
        stages: Mapping[str, Sequence[Mapping[str, Any]]] = self.facts["stages"]
        return stages

    @property
    def tasks(self) -> Sequence[str]:
        """The task that is tuned, then the earlier ones."""
        tasks: Sequence[str] = self.facts["tasks"]
        return tasks

    @property
    def metric(self) -> str:
        """The objective that is recorded."""
        return str(self.facts["objectives"][0]["metric"])

    @property
    def levels(self) -> tuple[float, ...]:
        """Fidelities at which the objective is recorded; none without fidelity."""
        names = self.rows[0] if self.rows else {}
        mark = f"{self.metric}@"
        return tuple(sorted(float(one.removeprefix(mark)) for one in names if mark in one))

    def names_up_to(self, stage: str) -> tuple[str, ...]:
        """Parameters of a stage and of those before it."""
        names: list[str] = []
        for one, own in self.stages.items():
            names += [str(parameter["name"]) for parameter in own]
            if one == stage:
                return tuple(names)
        raise KeyError(stage)

    def values(self, row: Row) -> dict[str, ParameterValue]:
        """A row's parameters, typed by the space."""
        return self.space.cast({name: float(row[name]) for name in self.space.names})

    def table(self, task: str, *, stage: str, columns: Sequence[str]) -> tuple[Array, Array]:
        """Distinct inputs of a stage (n, d) in unit coordinates and columns of theirs (n, m)."""
        names = self.names_up_to(stage)
        first: dict[tuple[str, ...], Row] = {}
        for row in self.of(task):
            first.setdefault(tuple(row[name] for name in names), row)
        units = [self.space.encode(self.values(row))[: len(names)] for row in first.values()]
        values = [[float(row[column]) for column in columns] for row in first.values()]
        return np.array(units), np.array(values)

    def of(self, task: str) -> list[Row]:
        """The rows of a task."""
        return [row for row in self.rows if row["task"] == task]
