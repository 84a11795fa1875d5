"""What ours is compared with: with and without transfer, our own implementations.

Where a method starts from configurations of its own choice it gets the portfolio's, as ours does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.case import EVALUATIONS, Case
from benchmarks.transfer.own import portfolio, start_of
from benchmarks.transfer.tables import Array
from tuner.acquisition.improvement import log_expected_improvement
from tuner.surrogates.gp import GaussianProcess, Hyperparameters, fit
from tuner.surrogates.kernels import gram
from tuner.surrogates.prior.posterior import factorised, whitened
from tuner.surrogates.warping import BadHalf, Standardize, normal_scores

RANDOM_START = 5
_NOISE = 0.02
_DRAWS = 256


def random(case: Case, rng: np.random.Generator) -> list[int]:
    """Rows at random."""
    return [int(row) for row in rng.permutation(len(case.y))[:EVALUATIONS]]


def mean_rank(case: Case, rng: np.random.Generator) -> list[int]:
    """In the order of the mean rank over the sources."""
    ranks = case.table.argsort(axis=1).argsort(axis=1).mean(axis=0)
    return [int(row) for row in np.argsort(ranks, kind="stable")[:EVALUATIONS]]


def gp_ei(case: Case, rng: np.random.Generator) -> list[int]:
    """The product's Gaussian process and log EI without transfer, after five random rows."""
    return _gp_ei(case, random(case, rng)[:RANDOM_START])


def portfolio_gp_ei(case: Case, rng: np.random.Generator) -> list[int]:
    """The same after five rows of the portfolio."""
    return _gp_ei(case, portfolio(case, rng)[:RANDOM_START])


def _gp_ei(case: Case, rows: list[int]) -> list[int]:
    fitted: Hyperparameters | None = None
    while len(rows) < EVALUATIONS:
        z = _warped(case.y[rows])
        if fitted is None or len(rows) < 20 or len(rows) % 5 == 0:
            fitted = fit(case.X[rows], z, case.groups)
        mean, variance = GaussianProcess(case.X[rows], z, fitted, case.groups).predict(case.X)
        rows = [*rows, _best(mean, variance, z, rows)]
    return rows


def sample_moments(case: Case, rng: np.random.Generator) -> list[int]:
    """Mean and covariance of the sources' tables, no residual; the margin is found as in ours."""
    table = case.table
    mean, deviations = table.mean(axis=0), table - table.mean(axis=0)
    factor = deviations / np.sqrt(max(len(table) - 1, 1))
    rows = [int(np.argmin(mean))]
    while len(rows) < EVALUATIONS:
        seen = factor[:, rows]
        lower = factorised(seen.T @ seen, noise=_NOISE**2)
        margin = case.prior.margin_prior.infer(
            case.y[rows], whiten=lambda r, lower=lower: whitened(lower, r), mean=mean[rows]
        )
        z = margin.forward(case.y[rows])
        v = whitened(lower, seen.T @ factor)
        posterior = mean + whitened(lower, z - mean[rows]) @ v
        variance = (factor**2).sum(axis=0) - (v**2).sum(axis=0)
        rows.append(_best(posterior, np.maximum(variance, 1e-10), z, rows))
    return rows


def rgpe(case: Case, rng: np.random.Generator) -> list[int]:
    """Our rendering of the ranking-weighted ensemble of Feurer et al. (2018).

    A model's weight is the share of draws in which it misranks fewest pairs of observations; the
    task's own is judged left out one by one and wins ties. Sources are drawn row by row, none is
    dropped. After the portfolio's first rows, as ours.
    """
    table, doubt = case.table, _emulator_doubt(case)
    unit = table.std(axis=1, keepdims=True)
    scaled = (table - table.mean(axis=1, keepdims=True)) / unit
    rows = portfolio(case, rng)[: start_of(case)]
    while len(rows) < EVALUATIONS:
        z = Standardize.of(case.y[rows]).transform(case.y[rows])
        own = GaussianProcess(case.X[rows], z, fit(case.X[rows], z, case.groups), case.groups)
        left_out, variance = _left_out(own, z)
        draws = [
            table[t, rows] + np.sqrt(doubt[t, rows]) * rng.standard_normal((_DRAWS, len(rows)))
            for t in range(len(table))
        ]
        draws.append(left_out + np.sqrt(variance) * rng.standard_normal((_DRAWS, len(rows))))
        lost = np.array([_misranked(each, z) for each in draws])
        weights = np.bincount(_first_best(lost), minlength=len(lost)) / _DRAWS
        mean, spread = own.predict(case.X)
        mean = weights[-1] * mean + weights[:-1] @ scaled
        spread = weights[-1] ** 2 * spread + weights[:-1] ** 2 @ (doubt / unit**2)
        rows.append(_best(mean, np.maximum(spread, 1e-10), mean[rows], rows))
    return rows


def copula_cts(case: Case, rng: np.random.Generator) -> list[int]:
    """Thompson draws from boosted trees of normal scores, as syne-tune's CTS; never updated."""
    import xgboost

    X = np.concatenate([task.X for task in case.sources])
    z = np.concatenate([normal_scores(task.y) for task in case.sources])
    order = rng.permutation(len(z))
    held, kept = order[: len(z) // 10], order[len(z) // 10 :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = xgboost.XGBRegressor(nthread=1).fit(X[kept], z[kept])
        sigma = float(np.std(model.predict(X[held]) - z[held]))
        mean = model.predict(case.X).astype(np.float64)
    rows: list[int] = []
    while len(rows) < EVALUATIONS:
        draw = mean + sigma * rng.standard_normal(len(mean))
        draw[rows] = np.inf
        rows.append(int(np.argmin(draw)))
    return rows


def optuna_sampler(name: str) -> Callable[[Case, np.random.Generator], list[int]]:
    """A sampler of optuna's; each proposal stands for the nearest row not evaluated yet.

    It is told of the rows that were evaluated, where they lie; what it proposed is told as failed.
    """

    def search(case: Case, rng: np.random.Generator) -> list[int]:
        import optuna
        from optuna.distributions import FloatDistribution
        from optuna.trial import TrialState, create_trial

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        seed = int(rng.integers(1 << 31))
        names = [str(column) for column in range(case.X.shape[1])]
        space = {name: FloatDistribution(0.0, 1.0) for name in names}
        rows: list[int] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sampler = (
                optuna.samplers.GPSampler(seed=seed, deterministic_objective=True)
                if name == "gp"
                else optuna.samplers.TPESampler(seed=seed, multivariate=True)
            )
            study = optuna.create_study(sampler=sampler)
            while len(rows) < EVALUATIONS:
                asked = study.ask(space)
                study.tell(asked, state=TrialState.FAIL)
                point = np.array([asked.params[name] for name in names])
                apart = ((case.X - point) ** 2).sum(axis=1)
                apart[rows] = np.inf
                rows.append(int(np.argmin(apart)))
                at = dict(zip(names, map(float, case.X[rows[-1]]), strict=True))
                value = float(case.y[rows[-1]])
                study.add_trial(create_trial(params=at, distributions=space, value=value))
        return rows

    return search


def _warped(y: Array) -> Array:
    bounded = BadHalf.of(y).transform(y)
    return Standardize.of(bounded).transform(bounded)


def _best(mean: Array, variance: Array, z: Array, rows: list[int]) -> int:
    score = log_expected_improvement(mean, np.sqrt(variance), best=float(z.min())).value.copy()
    score[rows] = -np.inf
    return int(np.argmax(score))


def _emulator_doubt(case: Case) -> Array:
    """Variance of the sources' models at the candidates, shape (N, n)."""
    atlas = case.prior.atlas
    return np.maximum(atlas.reader(atlas.doubt)(case.X).T, 1e-4)


def _left_out(own: GaussianProcess, z: Array) -> tuple[Array, Array]:
    """Mean and variance of each observation given the others."""
    h = own.hyperparameters
    K = gram(own.X, own.X, hyperparameters=h, groups=own.groups)
    inverse = np.linalg.inv(K + h.noise * np.eye(len(z)))
    precision = np.diag(inverse)
    return z - (inverse @ (z - h.mean)) / precision, 1.0 / precision


def _misranked(draws: Array, z: Array) -> NDArray[np.intp]:
    """Pairs of observations that each draw (s, n) puts in the other order, shape (s,)."""
    truth = z[:, None] < z[None, :]
    return ((draws[:, :, None] < draws[:, None, :]) != truth).sum(axis=(1, 2))


def _first_best(lost: NDArray[np.intp]) -> NDArray[np.intp]:
    """The model with least loss in each draw, shape (s,); the task's own wins ties."""
    last = len(lost) - 1
    own = lost[last] == lost.min(axis=0)
    return np.where(own, last, lost.argmin(axis=0))
