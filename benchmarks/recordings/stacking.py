"""Stacking: features, base models out of fold, logistic regression on what they say.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.recordings.stacking

Data: the handwritten digits that come with scikit-learn (UCI), averaged to 4 x 4 pixels and blurred
by fixed noise, which makes them hard. Loss: mean negative log-likelihood of the held-out third.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import PolynomialFeatures

from benchmarks.recordings._command import main
from benchmarks.recordings._nested import Metrics, Recording, Stage, Values
from benchmarks.recordings._words import log_real, log_whole, real, whole

Array = NDArray[np.float64]
NOISE = 0.12
FOLDS = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Inputs and digits of the training and of the held-out part."""

    train: Array
    train_digits: NDArray[np.int64]
    test: Array
    test_digits: NDArray[np.int64]


def features(values: Values, split: Any) -> tuple[object, Metrics]:
    """Pixels to a power, their products, principal components; `whiten` 1 drops the variances."""
    power = float(values["power"])
    products = PolynomialFeatures(degree=2, include_bias=False)
    train = products.fit_transform(split.train**power)
    test = products.transform(split.test**power)
    components = PCA(int(values["components"]), random_state=0).fit(train)
    scale = np.sqrt(components.explained_variance_) ** float(values["whiten"])
    return (
        Split(
            components.transform(train) / scale,
            split.train_digits,
            components.transform(test) / scale,
            split.test_digits,
        ),
        {},
    )


def base(values: Values, split: Any) -> tuple[object, Metrics]:
    """Extremely randomised trees and nearest neighbours: what they say of data not seen."""
    models = (
        ExtraTreesClassifier(
            int(values["trees"]),
            min_samples_leaf=int(values["leaf"]),
            max_features=float(values["tried"]),
            random_state=0,
        ),
        KNeighborsClassifier(int(values["neighbours"]), weights="distance"),
    )
    folds = StratifiedKFold(FOLDS)
    inside, outside = [], []
    for model in models:
        inside.append(
            cross_val_predict(
                model, split.train, split.train_digits, cv=folds, method="predict_proba"
            )
        )
        outside.append(model.fit(split.train, split.train_digits).predict_proba(split.test))
    return (split, np.hstack(inside), np.hstack(outside)), {}


def meta(values: Values, given: Any) -> tuple[object, Metrics]:
    """Logistic regression on log-probabilities and, weighted, the features themselves."""
    split, inside, outside = given
    floor, weight = float(values["floor"]), float(values["passed_on"])
    scale = weight / np.std(split.train)
    train = np.hstack([np.log(inside + floor), scale * split.train])
    test = np.hstack([np.log(outside + floor), scale * split.test])
    model = LogisticRegression(C=float(values["C"]), tol=1e-3, max_iter=100)
    with warnings.catch_warnings():
        # Stopping after so many iterations is part of the model.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train, split.train_digits)
    return None, {"loss": float(log_loss(split.test_digits, model.predict_proba(test)))}


STAGES = (
    Stage(
        "features",
        (real("power", 0.25, 2.0), log_whole("components", 4, 100), real("whiten", 0.0, 1.0)),
        features,
    ),
    Stage(
        "base",
        (
            log_whole("trees", 10, 150),
            log_whole("leaf", 1, 30),
            log_real("tried", 0.05, 1.0),
            whole("neighbours", 2, 40),
        ),
        base,
    ),
    Stage(
        "meta",
        (
            log_real("C", 1e-3, 100.0),
            log_real("floor", 1e-4, 0.3),
            log_real("passed_on", 1e-3, 3.0),
        ),
        meta,
    ),
)


def read() -> Split:
    """The digits, coarse and noisy."""
    images, digits = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    coarse = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(images), 16) / 16
    noisy = np.clip(coarse + rng.normal(0, NOISE, coarse.shape), 0, 1)
    order = rng.permutation(len(images))
    train, test = np.split(order, [2 * len(order) // 3])
    return Split(noisy[train], digits[train], noisy[test], digits[test])


def recording(data: Path) -> Recording:
    """The recording; needs no data but scikit-learn's."""
    return Recording(
        name="stacking",
        description="Digits of scikit-learn, coarse and noisy: principal components of products; "
        "trees and nearest neighbours out of fold; logistic regression; loss = negative "
        "log-likelihood on held-out digits",
        stages=STAGES,
        tasks={"digits": read()},
        design={"digits": (40, 4, 4)},
        objectives=({"metric": "loss", "direction": "Minimize"},),
    )


if __name__ == "__main__":
    main(recording)
