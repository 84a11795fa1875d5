"""What earlier studies showed, one task for each study and metric.

Notation of the package: X (n, p) inputs in the new study's features, y (n,) values to minimise in
their own units, z (n,) the same on the scale that tasks share (`margins`), N tasks, m anchors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError

Array = NDArray[np.float64]

MIN_POINTS = 5
"""A task with fewer points teaches nothing about its scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceTask:
    """One metric of one earlier study.

    Attributes:
        name: Names the study.
        group: Tasks of one group are nearly the same task, such as studies of the same data.
        X: Inputs in the new study's features, shape (n, p).
        y: Values, negated if the metric is maximised; shape (n,).
        full: Which rows are runs at full fidelity, shape (n,).

    Raises:
        SurrogateError: The shapes do not belong together.
    """

    name: str
    group: str
    X: Array
    y: Array
    full: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.y)
        if self.X.ndim != 2 or self.y.ndim != 1 or len(self.X) != n or self.full.shape != (n,):
            raise SurrogateError(
                f"task {self.name}: inputs of shape {self.X.shape}, values of shape "
                f"{self.y.shape}, full of shape {self.full.shape}"
            )

    def __len__(self) -> int:
        return len(self.y)

    @property
    def scored(self) -> Array:
        """The values that the task's scale is read from: full runs where there are enough."""
        return self.y[self.full] if self.full.sum() >= MIN_POINTS else self.y

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> SourceTask:
        """Some of its rows."""
        return SourceTask(
            name=self.name,
            group=self.group,
            X=self.X[rows],
            y=self.y[rows],
            full=self.full[rows],
        )


def usable(tasks: Iterable[SourceTask]) -> tuple[SourceTask, ...]:
    """The tasks that can teach something, without rows that are not finite.

    Left out are tasks with fewer than `MIN_POINTS` rows and those whose values do not vary.
    """
    cleaned = (task.at(np.isfinite(task.y) & np.isfinite(task.X).all(axis=1)) for task in tasks)
    return tuple(task for task in cleaned if len(task) >= MIN_POINTS and np.ptp(task.scored) > 0.0)
