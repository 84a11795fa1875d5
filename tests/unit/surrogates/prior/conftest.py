"""Families of earlier studies: bowls whose bottoms lie near each other."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from tuner.hardware import Group
from tuner.space import SearchSpace
from tuner.spec import Parameter
from tuner.surrogates.features import FeatureMap
from tuner.surrogates.prior.studies import SourceObservation, SourceStudy, SourceTrial
from tuner.surrogates.prior.tasks import SourceTask

DIMENSIONS = 3
GROUPS = np.arange(DIMENSIONS)


@dataclass(frozen=True)
class Bowl:
    """A task: a bowl with a floor and a unit of its own; `sign` -1 turns it over."""

    bottom: np.ndarray = field(default_factory=lambda: np.full(DIMENSIONS, 0.3))
    floor: float = 0.0
    unit: float = 1.0
    sign: float = 1.0

    def __call__(self, X):
        apart = ((X - self.bottom) * [1.0, 0.7, 0.4]) ** 2
        return self.floor + self.unit * self.sign * np.sqrt(0.01 + apart.sum(axis=1))

    def task(self, name, *, n=40, seed=0, group=None):
        X = np.random.default_rng(seed).random((n, DIMENSIONS))
        return SourceTask(
            name=name, group=group or name, X=X, y=self(X), full=np.ones(n, dtype=np.bool_)
        )

    def study(self, uid, *, n=40, seed=0, data=None, maximize=False, metric="loss"):
        X = np.random.default_rng(seed).random((n, DIMENSIONS))
        sign = -1.0 if maximize else 1.0
        trials = tuple(
            SourceTrial(
                parameters=dict(zip("abc", map(float, x), strict=True)),
                instance_types={"train": "small"},
                observations=(SourceObservation(fidelity=1.0, metrics={metric: sign * float(y)}),),
                seconds={"train": float(np.exp(x[2]))},
            )
            for x, y in zip(X, self(X), strict=True)
        )
        return SourceStudy(
            uid=uid,
            data=data or uid,
            space=SPACE,
            maximize=frozenset({metric} if maximize else ()),
            type_features={"small": {}},
            trials=trials,
        )


SPACE = SearchSpace.from_parameters(
    [Parameter.model_validate({"name": name, "float": {"min": 0, "max": 1}}) for name in "abc"]
)


def bowl(seed, *, apart=0.08):
    """One of a family."""
    rng = np.random.default_rng(1000 + seed)
    return Bowl(
        bottom=0.3 + apart * rng.normal(size=DIMENSIONS),
        floor=float(rng.normal()),
        unit=float(np.exp(0.3 * rng.normal())),
    )


@pytest.fixture(scope="session")
def family():
    """Makes the bowl of a number."""
    return bowl


@pytest.fixture(scope="session")
def bowls():
    """Makes a bowl by its attributes."""
    return Bowl


@pytest.fixture(scope="session")
def columns():
    """The lengthscale group of each column."""
    return GROUPS


@pytest.fixture(scope="session")
def features():
    return FeatureMap(
        space=SPACE, groups=(Group(("train",), ("small",)),), type_features={"small": {}}
    )


@pytest.fixture(scope="session")
def tasks():
    return tuple(bowl(seed).task(f"t{seed}", seed=seed) for seed in range(6))


@pytest.fixture(scope="session")
def studies():
    return tuple(bowl(seed).study(f"s{seed}", seed=seed) for seed in range(6))
