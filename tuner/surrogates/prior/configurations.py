"""Which configurations of earlier studies a prior keeps, as points of the new study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tuner.space.batch import snap
from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.points import Points
from tuner.surrogates.prior.matching import matched
from tuner.surrogates.prior.moments import equal_groups
from tuner.surrogates.prior.output import OutputPrior
from tuner.surrogates.prior.portfolio import greedy, greedy_cover, then_by_mean
from tuner.surrogates.prior.studies import SourceStudy
from tuner.surrogates.prior.tasks import Array
from tuner.surrogates.working_set import choose

NOTEWORTHY = 256
"""So many are kept at most for the estimate of the front."""

READ = 4000
"""They are chosen among at most so many."""


def own_configurations(sources: Sequence[SourceStudy], features: FeatureMap) -> Points:
    """The configurations of the earlier studies that can be tried in the new one, each once."""
    seen = Points.concatenate([matched(study, features) for study in sources])
    snapped = snap(features.space, np.clip(seen.unit, 0.0, 1.0))
    candidates = Points(snapped.unit, snapped.active, seen.types, seen.fidelity)
    _, first = np.unique(
        np.concatenate([candidates.unit, candidates.types], axis=1), axis=0, return_index=True
    )
    return candidates[np.sort(first)]


def portfolio(candidates: Points, inputs: Inputs, outputs: Sequence[OutputPrior]) -> Points:
    """The greedy portfolio for metrics; empty where there are none."""
    if not outputs:
        return candidates[:0]
    X = inputs.transform(candidates)
    regrets = [dict(_regrets(output, X)) for output in outputs]
    groups = {
        task: group
        for one in outputs
        for task, group in zip(one.tasks, one.task_groups, strict=True)
    }
    common = [task for task in groups if all(task in one for one in regrets)]
    if not common:
        regrets, common = regrets[:1], list(regrets[0])
    shares = equal_groups(tuple(groups[task] for task in common))
    tables = [np.column_stack([one[task] for task in common]) for one in regrets]
    if len(tables) == 1:
        rows = then_by_mean(tables[0], shares, greedy(tables[0], shares), X)
    else:
        rows = greedy_cover(tables, shares)
    return candidates[np.array(rows, dtype=np.intp)]


def noteworthy(candidates: Points, inputs: Inputs, outputs: Sequence[OutputPrior]) -> Points:
    """At most `NOTEWORTHY`: half are the best in some output, half lie far apart."""
    some = candidates[:: len(candidates) // READ + 1]
    X = inputs.transform(some)
    places = []
    for output in outputs:
        atlas = output.atlas
        shares = equal_groups(output.task_groups)
        mean = atlas.reader((atlas.values @ shares / shares.sum())[:, None])(X)[:, 0]
        places.append(np.argsort(np.argsort(mean, kind="stable"), kind="stable"))
    best = np.min(places, axis=0).astype(np.float64)
    return some[choose(X * outputs[0].atlas.weights, best, NOTEWORTHY)]


def _regrets(output: OutputPrior, X: Array) -> Iterator[tuple[str, Array]]:
    """The regret of inputs (n, p) on each task, shape (n,): 0 best, 1 median."""
    values = output.atlas.reader(output.atlas.values)(X)
    for column, task in enumerate(output.tasks):
        yield task, values[:, column] - values[:, column].min()
