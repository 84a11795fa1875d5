"""One task left out: what a method may know, and how its choices are judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.tables import Array, Collection
from tuner.surrogates.prior.margins import Margin
from tuner.surrogates.prior.output import OutputPrior
from tuner.surrogates.prior.pretraining import output_prior
from tuner.surrogates.prior.tasks import SourceTask

WORST = 1.5
EVALUATIONS = 50


@dataclass(frozen=True, eq=False)
class Case:
    """A task of a collection, and others as sources.

    Attributes:
        collection: Name.
        task: Name.
        X: Candidates of the task, shape (n, p).
        y: Its values, shape (n,): methods may look at rows they have chosen only.
        sources: The other tasks.
        matched: Whether sources have the candidates' inputs.
    """

    collection: str
    task: str
    X: Array
    y: Array
    sources: tuple[SourceTask, ...]
    matched: bool

    @classmethod
    def of(
        cls, collection: Collection, task: int, sources: list[int], *, rows: int | None = None
    ) -> Case:
        """A task of a collection, with some of the others.

        Args:
            collection: The tables.
            task: Which one is left out.
            sources: Which may teach; the task itself is passed over.
            rows: Each source shows so many rows of its own, drawn at random, as an earlier study
                would; None for its whole table.
        """
        taught = tuple(_source(collection, each, rows) for each in sources if each != task)
        name = collection.name if rows is None else f"{collection.name}, {rows} trials a source"
        matched = collection.matched and rows is None
        return cls(
            name, collection.tasks[task], collection.X[task], collection.y[task], taught, matched
        )

    @property
    def groups(self) -> NDArray[np.intp]:
        """Every column has its own lengthscale, shape (p,)."""
        return np.arange(self.X.shape[1])

    @cached_property
    def prior(self) -> OutputPrior:
        """What the product learns from the sources."""
        return output_prior(self.sources, groups=self.groups, bounded=True, seed=0)

    @cached_property
    def table(self) -> Array:
        """The sources at the candidates on the shared scale, shape (N, n).

        Exact where inputs are shared, else read from the product's emulators.
        """
        if not self.matched:
            atlas = self.prior.atlas
            return np.asarray(atlas.reader(atlas.values)(self.X).T)
        return np.array([Margin.of(task).forward(task.y) for task in self.sources])

    @cached_property
    def source_regret(self) -> Array:
        """Regret of the candidates on each source, shape (N, n), without its bound."""
        return np.asarray(self.table - self.table.min(axis=1, keepdims=True))

    def regret(self, rows: list[int]) -> Array:
        """Least regret after each evaluation, shape (len(rows),): 0 best of table, 1 median."""
        least, median = float(self.y.min()), float(np.median(self.y))
        regret = np.clip((self.y[rows] - least) / (median - least), 0.0, WORST)
        return np.minimum.accumulate(regret)


def _source(collection: Collection, task: int, rows: int | None) -> SourceTask:
    count = len(collection.y[task])
    drawn = np.sort(np.random.default_rng([11, task]).permutation(count)[:rows])
    return SourceTask(
        name=collection.tasks[task],
        group=collection.tasks[task],
        X=collection.X[task] if rows is None else collection.X[task][drawn],
        y=collection.y[task] if rows is None else collection.y[task][drawn],
        full=np.ones(len(drawn), dtype=np.bool_),
    )
