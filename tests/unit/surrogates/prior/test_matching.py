import math

import numpy as np
import pytest

from tuner.hardware import Group
from tuner.space import SearchSpace
from tuner.space.batch import snap
from tuner.spec import Parameter
from tuner.surrogates import FeatureMap
from tuner.surrogates.prior.matching import BEYOND, coordinate, matched, on_known_types
from tuner.surrogates.prior.studies import SourceStudy, SourceTrial

PARAMETERS = [
    {"name": "lr", "float": {"min": 1e-4, "max": 1e-1, "scale": "Log"}},
    {"name": "width", "float": {"min": 10, "max": 20}},
    {"name": "layers", "integer": {"min": 1, "max": 4}},
    {"name": "units", "integer": {"min": 16, "max": 256, "scale": "Log"}},
    {"name": "words", "ordinal": {"values": [100, 200, 400]}},
    {"name": "kind", "categorical": {"choices": ["sgd", "adam", "lion"]}},
    {
        "name": "momentum",
        "float": {"min": 0, "max": 1},
        "when": {"parameter": "kind", "in": ["sgd"]},
    },
]
GROUPS = (Group(("prepare",), ("small",)), Group(("train", "test"), ("small", "large")))
TYPES = {
    "small": {"log2_cpus": 0.0, "log_price": 1.0},
    "large": {"log2_cpus": 3.0, "log_price": 3.0},
}


def space_of(parameters):
    return SearchSpace.from_parameters([Parameter.model_validate(each) for each in parameters])


@pytest.fixture(scope="module")
def space():
    return space_of(PARAMETERS)


@pytest.fixture(scope="module")
def features(space):
    return FeatureMap(space=space, groups=GROUPS, type_features=TYPES)


@pytest.fixture
def study(space):
    def make(*parameters, types=None, type_features=TYPES):
        trials = tuple(
            SourceTrial(
                parameters=each,
                instance_types=types or {"prepare": "small", "train": "large", "test": "large"},
                observations=(),
            )
            for each in parameters
        )
        return SourceStudy(
            uid="s",
            data="d",
            space=space,
            maximize=frozenset(),
            type_features=type_features,
            trials=trials,
        )

    return make


def test_in_the_same_space_trials_lie_where_the_space_puts_them(space, features, study, rng):
    unit = snap(space, rng.random((40, len(space.dimensions))))
    trials = [space.from_unit(row) for row in unit.unit]
    points = matched(study(*trials), features)
    np.testing.assert_array_equal(points.active, unit.active)
    np.testing.assert_allclose(points.unit, unit.unit, atol=1e-12)
    assert (points.fidelity == 1.0).all()


def test_a_value_keeps_its_meaning_under_other_bounds(features, study):
    """Not its share of the range: a learning rate is a learning rate."""
    (one,) = matched(study({"lr": 1e-2, "width": 25.0}), features).unit
    assert one[0] == pytest.approx(2.0 / 3.0)
    assert one[1] == pytest.approx(1.5)
    (far,) = matched(study({"lr": 1e-9, "width": 1e6}), features).unit
    assert far[0] == -BEYOND
    assert far[1] == 1.0 + BEYOND


def test_what_has_no_place_is_inactive(features, study):
    values = {"lr": -1.0, "width": math.inf, "words": "many", "kind": "rmsprop"}
    points = matched(study(values, {}), features)
    assert not points.active.any()
    assert (points.unit == 0.5).all()


def test_a_number_between_listed_ones_lies_between_them(space):
    domain = {one.name: one.domain for one in space.dimensions}["words"]
    low, between, high = (coordinate(domain, value) for value in (200, 300, 400))
    assert between == pytest.approx((low + high) / 2.0)
    assert coordinate(domain, 5000) == high


def test_an_unseen_type_is_the_most_similar_one(features, study):
    known = {**TYPES, "big": {"log2_cpus": 2.6, "log_price": 2.0}, "tiny": {"log2_cpus": -1.0}}
    for name, index in [("big", 1), ("tiny", 0), ("large", 1)]:
        types = {"prepare": "small", "train": name}
        points = matched(study({"lr": 1e-2}, types=types, type_features=known), features)
        assert points.types.tolist() == [[0, index]]


def test_times_are_compared_on_types_that_both_have(features, study):
    on = {"prepare": "small", "train": "big"}
    mixed = study({"lr": 1e-2}, types=on, type_features={**TYPES, "big": {}})
    assert on_known_types(mixed, features, "prepare").tolist() == [True]
    assert on_known_types(mixed, features, "train").tolist() == [False]
    assert on_known_types(mixed, features, "test").tolist() == [False]
