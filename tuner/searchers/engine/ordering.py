"""The order in which trials count, and what they showed as rows of models in that order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.searchers._protocol import History
from tuner.searchers.engine.data import Rows


def order_of(history: History, names: Sequence[str]) -> NDArray[np.intp]:
    """Trials in the order in which they were last observed: rows only ever join at the end.

    A trial that was observed again moves to the end; what was fitted on the first m rows is then
    fitted anew, from the same rows in every worker.
    """
    last = {one.trial: index for index, one in enumerate(history.observations)}
    places = [last.get(name, -1) for name in names]
    return np.argsort(np.array(places, dtype=np.intp), kind="stable")


def rows_of(
    told: Sequence[Sequence[tuple[int, float, float]]], order: NDArray[np.intp], *, models: int
) -> tuple[Rows, ...]:
    """What every trial said, by model; trials in this order."""
    columns: list[tuple[list[int], list[float], list[float]]] = [
        ([], [], []) for _ in range(models)
    ]
    for trial in order.tolist():
        for model, fidelity, value in told[trial]:
            trials, fidelities, values = columns[model]
            trials.append(trial)
            fidelities.append(fidelity)
            values.append(value)
    return tuple(
        Rows(
            np.array(trials, dtype=np.intp),
            np.array(fidelities, dtype=np.float64),
            np.array(values, dtype=np.float64),
        )
        for trials, fidelities, values in columns
    )
