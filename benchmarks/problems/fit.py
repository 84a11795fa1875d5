"""Finds the hyper-parameters of a recording's replay and how well it fits; once, after recording.

    python -m benchmarks.problems.fit text

writes them into the recording's facts. Targets are logarithms. R2 is cross-validated twice: over
random fifths of the configurations, and over fifths of the settings of the first stage, which says
how well a new prefix is predicted.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from benchmarks.problems.recorded import FOLDER, Recorded
from benchmarks.problems.surrogate import Array, Kernel, Surface

FOLDS = 5
DIGITS = 5


def kernel_of(X: Array, y: Array) -> Kernel:
    """Hyper-parameters by maximum likelihood; y (n,)."""
    noisy = Matern(np.full(X.shape[1], 1.0), (0.05, 100.0), nu=2.5) + WhiteKernel(0.05, (1e-5, 1.0))
    model = GaussianProcessRegressor(1.0 * noisy, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        # A length at its bound is a coordinate without effect.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    fitted = model.kernel_.k2
    lengths = np.atleast_1d(fitted.k1.length_scale)
    return Kernel(np.array([float(f"{one:.{DIGITS}g}") for one in lengths]), fitted.k2.noise_level)


def folds(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold for each point (n,); points with one key share theirs."""
    known = np.unique(keys)
    fold = np.random.default_rng(0).permutation(len(known)) % FOLDS
    assigned: NDArray[np.int64] = fold[np.searchsorted(known, keys)]
    return assigned


def fit(recorded: Recorded) -> dict[str, dict[str, object]]:
    """Hyper-parameters and R2 by target: each stage's seconds, the objective, its curve."""
    task, stages, metric = recorded.tasks[0], list(recorded.stages), recorded.metric
    targets = {f"{stage}_seconds": (stage, [f"{stage}_seconds"]) for stage in stages}
    targets[metric] = (stages[-1], [metric])
    if recorded.levels:
        curve = [f"{metric}@{level:g}" for level in recorded.levels]
        targets[f"{metric}@"] = (recorded.facts["fidelity"]["stage"], curve)
    first = len(recorded.stages[stages[0]])
    return {
        name: _fitted(*recorded.table(task, stage=stage, columns=columns), first=first)
        for name, (stage, columns) in targets.items()
    }


def _fitted(X: Array, values: Array, *, first: int) -> dict[str, object]:
    Y = np.log(values)
    # Targets of a curve share their hyper-parameters: those of the middle one.
    kernel = kernel_of(X, Y[:, Y.shape[1] // 2])
    surface = Surface(kernel, X, Y)
    _, prefixes = np.unique(X[:, :first], axis=0, return_inverse=True)
    return {
        "points": len(X),
        "lengths": [float(one) for one in kernel.lengths],
        "noise": float(f"{kernel.noise:.{DIGITS}g}"),
        "r2": round(surface.r2(groups=folds(np.arange(len(X)))), 4),
        "r2_new_prefix": round(surface.r2(groups=folds(prefixes.ravel())), 4),
    }


def main() -> None:
    """Fits one recording and rewrites its facts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    recorded = Recorded.read(options.name, folder=options.folder)
    facts = {**recorded.facts, "replay": fit(recorded)}
    path = options.folder / f"{options.name}.json"
    path.write_text(json.dumps(facts, indent=1) + "\n")
    for name, fitted in facts["replay"].items():
        print(f"{name}: R2 {fitted['r2']}, new prefix {fitted['r2_new_prefix']}")


if __name__ == "__main__":
    main()
