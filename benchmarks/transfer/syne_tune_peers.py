"""Syne Tune's own transfer methods on a case, through its own classes and with its defaults.

The sources are its `TransferLearningTaskEvaluations`, values as they are: `CTS` (the copula method
of Salinas, Shen and Perrone, 2020) draws from boosted trees of normal scores over 100,000 random
configurations, `ZeroShotTransfer` (Wistuba, Schilling and Schmidt-Thieme, 2015) gives a list by
mean ranks. Neither looks at the new task. A proposal stands for the nearest row not evaluated yet.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np

from benchmarks.transfer.case import EVALUATIONS, Case
from benchmarks.transfer.tables import Array

METRIC = "value"


def cts(case: Case, rng: np.random.Generator) -> list[int]:
    """Rows by `QuantileBasedSurrogateSearcher`."""
    from syne_tune.optimizer.schedulers.transfer_learning.quantile_based import (
        quantile_based_searcher as quantiles,
    )

    with _quiet():
        searcher = quantiles.QuantileBasedSurrogateSearcher(
            _space(case), _evaluations(case), random_seed=int(rng.integers(1 << 31))
        )
        return nearest_rows(case.X, _asked(case, searcher.suggest))


def zero_shot(case: Case, rng: np.random.Generator) -> list[int]:
    """Rows by `ZeroShotTransfer`, for sources that share their inputs."""
    from syne_tune.optimizer.schedulers.transfer_learning.zero_shot import ZeroShotTransfer

    with _quiet():
        scheduler = ZeroShotTransfer(
            config_space=_space(case),
            metric=METRIC,
            transfer_learning_evaluations=_evaluations(case),
            sort_transfer_learning_evaluations=False,
            random_seed=int(rng.integers(1 << 31)),
        )
        # `suggest` of syne-tune 0.16 never comes to its list: it draws at random.
        return nearest_rows(case.X, _asked(case, scheduler.get_config))


def nearest_rows(X: Array, points: Iterator[Array]) -> list[int]:
    """As many rows of X (n, p) as a method may evaluate: the nearest to each point not yet taken.

    Args:
        X: The table's rows.
        points: Proposals, shape (p,) each; where they end, nothing more is evaluated.
    """
    rows: list[int] = []
    for point in points:
        apart = ((X - point) ** 2).sum(axis=1)
        apart[rows] = np.inf
        rows.append(int(np.argmin(apart)))
        if len(rows) == EVALUATIONS:
            break
    return rows


def _asked(case: Case, ask: Callable[[], Mapping[str, float] | None]) -> Iterator[Array]:
    names = _names(case)
    while (asked := ask()) is not None:
        yield np.array([asked[name] for name in names])


def _names(case: Case) -> list[str]:
    return [f"x{column}" for column in range(case.X.shape[1])]


def _space(case: Case) -> dict[str, Any]:
    from syne_tune.config_space import uniform

    return {name: uniform(0.0, 1.0) for name in _names(case)}


def _evaluations(case: Case) -> dict[str, Any]:
    """The sources, one seed, one fidelity and one objective each."""
    import pandas as pd
    from syne_tune.optimizer.schedulers.transfer_learning import transfer_learning_task_evaluation

    return {
        task.name: transfer_learning_task_evaluation.TransferLearningTaskEvaluations(
            configuration_space=_space(case),
            hyperparameters=pd.DataFrame(task.X, columns=_names(case)),
            objectives_names=[METRIC],
            objectives_evaluations=task.y[:, None, None, None],
        )
        for task in case.sources
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings, its log, and the times that it prints."""
    logging.getLogger("syne_tune").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
