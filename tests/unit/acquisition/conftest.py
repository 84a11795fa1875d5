import importlib
import warnings

import numpy as np
import pytest

from tuner.acquisition import Cube
from tuner.hardware import Group, StageChoices
from tuner.space import SearchSpace
from tuner.spec import Parameter


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


@pytest.fixture(scope="session")
def oracle():
    """botorch; importing it warns of what torch deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("botorch")


@pytest.fixture(scope="session")
def cube():
    """A mixed space of three stages with a condition, two choices of instance type and a pin."""
    parameters = [
        {"name": "features", "integer": {"min": 10, "max": 10_000, "scale": "Log"}},
        {"name": "analyzer", "categorical": {"choices": ["word", "char", "both"]}},
        {"name": "lr", "float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
        {"name": "optimizer", "categorical": {"choices": ["sgd", "adam"]}},
        {
            "name": "momentum",
            "float": {"min": 0, "max": 0.99},
            "when": {"parameter": "optimizer", "in": ["sgd"]},
        },
        {"name": "batch", "ordinal": {"values": [16, 32, 64, 128]}},
        {"name": "dropout", "float": {"min": 0, "max": 0.8}},
    ]
    space = SearchSpace.from_parameters([Parameter.model_validate(each) for each in parameters])
    groups = (
        Group(("clean",), ("small",)),
        Group(("vectorise",), ("small", "large")),
        Group(("train",), ("small", "large", "gpu")),
    )
    return Cube.of(space, StageChoices(groups))


@pytest.fixture
def trials(cube, rng):
    """Twenty configurations of the space, snapped."""
    return cube.unit(cube.points(rng.random((20, len(cube)))))
