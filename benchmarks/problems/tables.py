"""Recorded configurations as a problem: a finite table, of which every proposal is a row.

A table lists parameters, an instance type and, for each level of the fidelity, seconds and metrics.
Where the fidelity re-trains (`restarts`), each level costs what it took from scratch, on top of
those below; where it resumes, seconds are those since the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.protocol import Declared, EarlierStudy, EarlierTrial, Values
from benchmarks.problems.types import SECONDS_PER_HOUR
from tuner.trial import ParameterValue

Array = NDArray[np.float64]
Key = tuple[str, tuple[tuple[str, ParameterValue], ...]]

STAGE = "train"


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A `Problem` of one stage; see the module.

    Attributes:
        declared: What it is.
        parameters: By row (n).
        types: Instance type by row (n).
        levels: Fidelities that were recorded, rising (L); the last is the full one.
        taken: Seconds by row and level (n, L).
        values: Metrics by name, by row and level (n, L).
        restarts: Whether a level begins from scratch.
        reduction: At each rung about one in so many trials goes on.
    """

    declared: Declared
    parameters: Sequence[Values]
    types: Sequence[str]
    levels: tuple[float, ...]
    taken: Array
    values: Mapping[str, Array]
    restarts: bool = False
    reduction: int = 3

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def price_per_second(self) -> Array:
        """USD by row (n,)."""
        types = self.declared.instance_types
        hourly = [float(str(types[one]["pricePerHour"])) for one in self.types]
        return np.array(hourly) / SECONDS_PER_HOUR

    @cached_property
    def steps(self) -> Array:
        """Seconds that each level costs after those below it (n, L)."""
        if self.restarts:
            return self.taken
        return np.diff(self.taken, axis=1, prepend=0.0)

    @property
    def seconds_in_full(self) -> Array:
        """Seconds at full fidelity from scratch, no lower level before it (n,)."""
        return np.asarray(self.taken[:, -1])

    @property
    def usd_in_full(self) -> Array:
        """What that costs (n,)."""
        return np.asarray(self.seconds_in_full * self.price_per_second)

    def objectives(self, level: int = -1) -> Array:
        """Objectives by row (n, M) at a level, to be minimised, run time and cost as logarithms."""
        return np.stack([self._objective(one, level) for one in self.declared.objectives], axis=1)

    def _objective(self, objective: Mapping[str, object], level: int) -> Array:
        metric = str(objective["metric"])
        if metric == "runtime":
            return np.log(self.taken[:, level])
        if metric == "cost":
            return np.log(self.taken[:, level] * self.price_per_second)
        sign = 1.0 if objective["direction"] == "Minimize" else -1.0
        return np.asarray(sign * self.values[metric][:, level])

    def row(self, parameters: Values, instance_type: str) -> int:
        """Which row a configuration is. Raises KeyError."""
        return self._rows[_key(parameters, instance_type)]

    @cached_property
    def _rows(self) -> dict[Key, int]:
        pairs = zip(self.parameters, self.types, strict=True)
        return {_key(parameters, kind): row for row, (parameters, kind) in enumerate(pairs)}

    def level(self, fidelity: float) -> int:
        """The index of the highest recorded level that does not exceed a fidelity."""
        return max(0, int(np.searchsorted(self.levels, fidelity + 1e-9)) - 1)

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """See `Problem`."""
        return float(self.taken[self.row(parameters, instance_type), self._at(fidelity)])

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """See `Problem`."""
        row, level = self.row(parameters, instance_type), self._at(fidelity)
        return {name: float(values[row, level]) for name, values in self.values.items()}

    def _at(self, fidelity: float) -> int:
        return -1 if self.declared.fidelity is None else self.level(fidelity)

    def as_study(self, *, rows: Sequence[int] | None = None) -> EarlierStudy:
        """The table, or some of its rows, as a finished study to learn from."""
        chosen = range(len(self)) if rows is None else rows
        return EarlierStudy(
            name=self.declared.name,
            data=self.declared.name,
            trials=tuple(self._as_trial(row) for row in chosen),
        )

    def _as_trial(self, row: int) -> EarlierTrial:
        curve = {
            level: {name: float(values[row, index]) for name, values in self.values.items()}
            for index, level in enumerate(self.levels[:-1])
        }
        return EarlierTrial(
            parameters=self.parameters[row],
            instance_types={STAGE: self.types[row]},
            metrics={name: float(values[row, -1]) for name, values in self.values.items()},
            seconds={STAGE: float(self.taken[row, -1])},
            curve=curve,
        )

    def with_earlier(self, studies: Sequence[EarlierStudy]) -> Table:
        """The same problem with studies to learn from."""
        return replace(self, declared=replace(self.declared, earlier=tuple(studies)))

    def only(self, rows: Sequence[int]) -> Table:
        """Some of the rows, in this order."""
        chosen = list(rows)
        return replace(
            self,
            parameters=[self.parameters[row] for row in chosen],
            types=[self.types[row] for row in chosen],
            taken=self.taken[chosen],
            values={name: values[chosen] for name, values in self.values.items()},
        )


def _key(parameters: Values, instance_type: str) -> Key:
    return instance_type, tuple(sorted(parameters.items()))
