"""Expected-expected improvement per unit of cost, with memoised stages (Essofi et al. 2024).

    a(x, delta) = EI(x) * I(x, delta)^eta
    I(x, delta) = mean over s of 1 / (delta * epsilon + sum over k > delta of c_k^(s)(x))
    c_k^(s)(x)  = exp(mu_k(x) + sd_k(x) * z_k^(s))

The first delta stages come out of the cache and cost what a restore takes; every other stage's
cost is log-normal. The inverse is averaged, which is not the inverse of the average. Stages are
independent unless `shared_draw`, the paper's code's behaviour, is asked for.

S samples, K stages, C candidates. Everything is in logarithms: late in a search EI is 1e-12, and
an argmax over products of such numbers is noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tuner.acquisition.reduction import log_mean_exp

CHUNK = 1 << 15
"""Doubles in one temporary: a few of them fit into a core's cache."""


def log_acquisition(
    log_improvement: NDArray[np.float64], log_inverse: NDArray[np.float64], *, eta: float
) -> NDArray[np.float64]:
    """The paper's acquisition: log a = log EI + eta * log I, of the shape of its arguments.

    Args:
        log_improvement: log EI of each candidate.
        log_inverse: log I of each candidate, from `log_inverse_cost`.
        eta: The cooled exponent, from `tuner.acquisition.cooling`.
    """
    return log_improvement + eta * log_inverse


def log_inverse_cost(
    mu: NDArray[np.float64],
    sd: NDArray[np.float64],
    z: NDArray[np.float64],
    *,
    memoised: NDArray[np.intp],
    epsilon: ArrayLike,
    shared_draw: bool = False,
) -> NDArray[np.float64]:
    """The logarithm of E[1 / cost] of every candidate, shape (C,).

    Args:
        mu: Means of the stages' log costs, shape (K, C).
        sd: Standard deviations of the stages' log costs, shape (K, C).
        z: Standard normal draws, shape (S, K), as of `sobol_normal`.
        memoised: How many leading stages of each candidate are cached, shape (C,).
        epsilon: What restoring a stage costs, in the unit of exp(mu); one number or shape (K,).
        shared_draw: Whether all stages of a sample use the first column of `z`, for comparison.

    Raises:
        ValueError: The shapes do not fit, or a restore costs nothing.
    """
    stages, candidates = mu.shape
    restore = np.broadcast_to(np.asarray(epsilon, dtype=np.float64), (stages,))
    if sd.shape != mu.shape or z.ndim != 2 or z.shape[1] != stages:
        raise ValueError(f"mu {mu.shape}, sd {sd.shape} and z {z.shape} do not fit")
    if memoised.shape != (candidates,):
        raise ValueError(f"{candidates} candidates, and memoised has shape {memoised.shape}")
    if not bool(np.all(restore > 0.0)):
        raise ValueError("restoring a stage must cost something")
    draws = np.repeat(z[:, :1], stages, axis=1) if shared_draw else z
    result = np.empty(candidates)
    step = max(1, CHUNK // max(1, len(z)))
    for start in range(0, candidates, step):
        part = slice(start, start + step)
        result[part] = _log_inverse(mu[:, part], sd[:, part], draws, memoised[part], restore)
    return result


def _log_inverse(
    mu: NDArray[np.float64],
    sd: NDArray[np.float64],
    z: NDArray[np.float64],
    memoised: NDArray[np.intp],
    restore: NDArray[np.float64],
) -> NDArray[np.float64]:
    cached = np.arange(len(mu))[:, None] < memoised
    log_restore = np.where(cached, np.log(restore)[:, None], -np.inf)
    # In the unit of a candidate's dearest stage no exponential of a mean overflows.
    unit = np.max(np.where(cached, log_restore, mu), axis=0)
    total = np.broadcast_to(np.exp(log_restore - unit).sum(axis=0), (len(z), mu.shape[1])).copy()
    for k in range(len(mu)):
        runs = np.flatnonzero(~cached[k])
        total[:, runs] += np.exp((mu[k, runs] - unit[runs]) + z[:, k : k + 1] * sd[k, runs])
    return np.asarray(log_mean_exp(-np.log(total)) - unit, dtype=np.float64)
