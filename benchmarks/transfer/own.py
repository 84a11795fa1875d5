"""The parts of the product's prior, called directly on tables, together and alone."""

from __future__ import annotations

import numpy as np

from benchmarks.transfer.case import EVALUATIONS, Case
from benchmarks.transfer.tables import Array
from tuner.acquisition.improvement import log_expected_improvement
from tuner.searchers.auto import portfolio_length
from tuner.surrogates.prior.evidence import MOMENTS, NETWORK, mixed
from tuner.surrogates.prior.portfolio import greedy
from tuner.surrogates.prior.posterior import Posterior


def start_of(case: Case) -> int:
    """So many evaluations come from the portfolio, as in the product."""
    return portfolio_length(len({task.group for task in case.sources}))


def portfolio(case: Case, rng: np.random.Generator) -> list[int]:
    """The greedy portfolio to its end, then by mean regret."""
    regret = case.source_regret.T
    rows = greedy(regret, np.ones(regret.shape[1]), size=EVALUATIONS)
    rest = [int(row) for row in np.argsort(regret.mean(axis=1), kind="stable")]
    return [*rows, *(row for row in rest if row not in rows)][:EVALUATIONS]


def ours(case: Case, rng: np.random.Generator) -> list[int]:
    """Portfolio, then log EI under the evidence-weighted priors."""
    return _search(case, start=start_of(case), only=None)


def moments(case: Case, rng: np.random.Generator) -> list[int]:
    """Ours without network and without evidence."""
    return _search(case, start=start_of(case), only=MOMENTS)


def without_portfolio(case: Case, rng: np.random.Generator) -> list[int]:
    """Ours from the first query on by the model."""
    return _search(case, start=0, only=None)


def hyperbo(case: Case, rng: np.random.Generator) -> list[int]:
    """The pre-trained network alone, as HyperBO: first query by the mean, no re-training."""
    return _search(case, start=0, only=NETWORK)


def _search(case: Case, *, start: int, only: str | None) -> list[int]:
    prior = case.prior
    embedded = {name: one.embed(case.X) for name, one in prior.priors.items()}
    rows = portfolio(case, np.random.default_rng(0))[:start]
    while len(rows) < EVALUATIONS:
        X, y = case.X[rows], case.y[rows]
        if only is None:
            given = prior.predictor(X, y, case.groups)
            posteriors, shares, margin = given.posteriors, given.shares, given.margin
        else:
            margin, one = prior.margin(X, y), prior.priors.get(only, prior.priors[MOMENTS])
            posteriors = {only: Posterior(one, one.embed(X), margin.forward(y))}
            shares = [1.0]
        predictions = []
        for name, posterior in posteriors.items():
            at = embedded.get(name) or posterior.embedder.embed(case.X)
            predictions.append(posterior.predict(at))
        mean, variance = mixed(predictions, shares)
        rows.append(_next(mean, variance, rows, margin.forward(y)))
    return rows


def _next(mean: Array, variance: Array, rows: list[int], z: Array) -> int:
    if not rows:
        return int(np.argmin(mean))
    score = log_expected_improvement(mean, np.sqrt(variance), best=float(z.min())).value.copy()
    score[rows] = -np.inf
    return int(np.argmax(score))
