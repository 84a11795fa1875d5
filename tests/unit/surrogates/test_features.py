import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.hardware import Group
from tuner.space import SearchSpace
from tuner.space.batch import snap
from tuner.spec import Parameter
from tuner.surrogates import FeatureMap, GaussianProcess, Hyperparameters, Points

PARAMETERS = [
    {"name": "lr", "float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
    {"name": "kind", "categorical": {"choices": ["sgd", "adam", "lion"]}},
    {
        "name": "momentum",
        "float": {"min": 0, "max": 1},
        "when": {"parameter": "kind", "in": ["sgd"]},
    },
    {
        "name": "decay",
        "categorical": {"choices": ["none", "cosine"]},
        "when": {"parameter": "kind", "in": ["sgd"]},
    },
    {"name": "only", "ordinal": {"values": [3]}},
    {"name": "layers", "integer": {"min": 1, "max": 4}},
]
TYPES = {
    "small": {"log2_cpus": 0.0, "log_price": 1.0, "accelerators": 0.0, "log2_memory_gib": 2.0},
    "middle": {"log2_cpus": 1.0, "log_price": 2.5, "accelerators": 0.0, "log2_memory_gib": 3.0},
    "large": {"log2_cpus": 3.0, "log_price": 3.0, "accelerators": 0.0, "log2_memory_gib": 5.0},
    "other": {"log2_cpus": 5.0, "accelerators": 1.0},
}
GROUPS = (
    Group(("prepare",), ("small",)),
    Group(("train",), ("small", "middle", "large")),
    Group(("test",), ("large", "other")),
)


@pytest.fixture(scope="module")
def space():
    return SearchSpace.from_parameters([Parameter.model_validate(each) for each in PARAMETERS])


@pytest.fixture(scope="module")
def features(space):
    return FeatureMap(space=space, groups=GROUPS, type_features=TYPES, least_fidelity=0.01)


@pytest.fixture
def points_of(space):
    def make(unit, types=(0, 0, 0), fidelity=1.0):
        snapped = snap(space, np.atleast_2d(np.array(unit, dtype=float)))
        n = len(snapped.unit)
        return Points(
            snapped.unit, snapped.active, np.tile(types, (n, 1)), np.full(n, float(fidelity))
        )

    return make


def columns(features, name, points):
    chosen = features.columns(parameters=[name], groups=[], fidelity=False)
    return chosen.transform(points), chosen.groups


def test_a_number_is_its_coordinate(features, points_of):
    X, groups = columns(features, "lr", points_of([0.3, 0.5, 0.5, 0.5, 0.5, 0.5]))
    np.testing.assert_allclose(X, [[0.3]])
    assert groups.tolist() == [0]


def test_choices_are_at_distance_one(features, points_of):
    rows = [[0.5, cell, 0.5, 0.5, 0.5, 0.5] for cell in (0.1, 0.5, 0.9)]
    X, groups = columns(features, "kind", points_of(rows))
    distances = ((X[:, None] - X) ** 2).sum(axis=-1)
    np.testing.assert_allclose(distances, 1.0 - np.eye(3))
    assert groups.tolist() == [0, 0, 0]


def test_a_conditional_number_has_an_indicator(features, points_of):
    rows = [[0.5, 0.1, 0.9, 0.5, 0.5, 0.5], [0.5, 0.9, 0.9, 0.5, 0.5, 0.5]]
    X, groups = columns(features, "momentum", points_of(rows))
    np.testing.assert_allclose(X, [[1.0, 0.9], [0.0, 0.5]])
    assert groups.tolist() == [0, 1]


def test_parameters_with_one_condition_share_the_indicator(features):
    chosen = features.columns(parameters=["momentum", "decay"], groups=[], fidelity=False)
    assert chosen.groups.tolist() == [0, 1, 2, 2]


def test_what_cannot_vary_has_no_column(features, points_of):
    X, groups = columns(features, "only", points_of([0.5] * 6))
    assert X.shape == (1, 0)
    assert groups.shape == (0,)
    single = features.columns(parameters=[], groups=[0], fidelity=False)
    assert single.groups.shape == (0,)


def test_types_are_features_scaled_over_the_study_and_an_identity(features, points_of):
    chosen = features.columns(parameters=[], groups=[1], fidelity=False)
    X = np.concatenate(
        [chosen.transform(points_of([0.5] * 6, types=(0, each, 0))) for each in range(3)]
    )
    # memory repeats the distances of cores; no type of this group has accelerators
    assert chosen.groups.tolist() == [0, 1, 2, 2, 2]
    np.testing.assert_allclose(X[:, 0], [0.0, 0.2, 0.6])
    np.testing.assert_allclose(X[:, 1], [0.0, 0.75, 1.0])
    np.testing.assert_allclose(X[:, 2:], np.eye(3) / math.sqrt(2))


def test_of_two_types_one_difference_is_enough(features, points_of):
    chosen = features.columns(parameters=[], groups=[2], fidelity=False)
    X = [chosen.transform(points_of([0.5] * 6, types=(0, 0, each)))[0] for each in (0, 1)]
    np.testing.assert_allclose(X, [[0.0], [1.0]])


def test_types_of_which_nothing_is_known_have_their_identity(space, points_of):
    groups = (Group(("train",), ("a", "b")),)
    chosen = FeatureMap(space=space, groups=groups, type_features={}).columns(
        parameters=[], fidelity=False
    )
    X = [chosen.transform(points_of([0.5] * 6, types=(each,)))[0] for each in (0, 1)]
    assert np.sum((X[0] - X[1]) ** 2) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fidelity", "scaled"), [(1.0, 1.0), (0.1, 0.5), (0.01, 0.0), (0.001, 0.0)]
)
def test_the_fidelity_is_a_scaled_logarithm(features, points_of, fidelity, scaled):
    chosen = features.columns(parameters=[], groups=[])
    X = chosen.transform(points_of([0.5] * 6, fidelity=fidelity))
    np.testing.assert_allclose(X, [[scaled]])


def test_everything_is_there_by_default(features, points_of):
    chosen = features.columns()
    X = chosen.transform(points_of([[0.2] * 6, [0.8] * 6], types=(0, 2, 1)))
    assert X.shape == (2, len(chosen.groups))
    # lr, kind, activity, momentum, decay, layers; cores, price, identity; cores; fidelity
    assert chosen.groups.max() + 1 == 6 + 3 + 1 + 1
    assert np.all(np.diff(chosen.groups) >= 0)


unit_rows = st.lists(st.floats(0, 1), min_size=6, max_size=6)


@given(unit_rows, unit_rows)
def test_equal_configurations_have_equal_inputs(features, space, one, other):
    """Whatever the coordinates that the configuration does not depend on."""
    snapped = snap(space, np.array([one, other]))
    parameters = [space.from_unit(row) for row in snapped.unit]
    same = Points(
        np.array([space.encode(parameters[0])] * 2),
        np.array([snapped.active[0]] * 2),
        np.zeros((2, 3), dtype=np.intp),
        np.ones(2),
    )
    both = Points(snapped.unit, snapped.active, same.types, same.fidelity)
    chosen = features.columns()
    np.testing.assert_allclose(
        chosen.transform(same)[0], chosen.transform(both)[0], rtol=0, atol=1e-9
    )
    if parameters[0] != parameters[1]:
        assert np.any(np.diff(chosen.transform(both), axis=0) != 0.0)


@given(unit_rows, unit_rows, st.floats(0, 1), st.floats(0, 1))
def test_inactive_coordinates_do_not_change_predictions(features, space, one, other, u, v):
    """Not even those that nobody snapped."""
    snapped = snap(space, np.array([one, other]))
    moved = np.where(snapped.active, snapped.unit, np.array([[u], [v]]))
    rest = (snapped.active, np.zeros((2, 3), dtype=np.intp), np.ones(2))
    chosen = features.columns()
    X, moved_X = (chosen.transform(Points(unit, *rest)) for unit in (snapped.unit, moved))
    hyperparameters = Hyperparameters(np.full(chosen.groups.max() + 1, 0.5), 1.0, 1e-3, 0.0)
    model = GaussianProcess(X[:1], np.ones(1), hyperparameters, chosen.groups)
    for expected, actual in zip(model.predict(X), model.predict(moved_X), strict=True):
        np.testing.assert_array_equal(expected, actual)
