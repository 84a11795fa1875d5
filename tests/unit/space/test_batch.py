import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import SpaceError
from tuner.space import SearchSpace
from tuner.space.batch import snap
from tuner.space.space import INACTIVE
from tuner.spec import Parameter

bounds = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda x: (x[0], x[0] + x[1]))
log_bounds = st.tuples(st.floats(-8, 6), st.floats(0.1, 6)).map(
    lambda x: (10 ** x[0], 10 ** (x[0] + x[1]))
)


def floats(**extra):
    return bounds.map(lambda x: {"float": {"min": x[0], "max": x[1], **extra}})


stepped = st.tuples(st.integers(-20, 20), st.integers(1, 40), st.sampled_from([0.1, 0.25, 3])).map(
    lambda x: {"float": {"min": x[0] * x[2], "max": (x[0] + x[1]) * x[2], "step": x[2]}}
)
log_floats = log_bounds.map(lambda x: {"float": {"min": x[0], "max": x[1], "scale": "Log"}})
integers = st.tuples(st.integers(-50, 50), st.integers(0, 200), st.integers(1, 7)).map(
    lambda x: {"integer": {"min": x[0], "max": x[0] + x[1], "step": x[2]}}
)
log_integers = st.tuples(st.integers(1, 50), st.integers(0, 10**6)).map(
    lambda x: {"integer": {"min": x[0], "max": x[0] + x[1], "scale": "Log"}}
)
ordinals = st.integers(1, 6).map(lambda n: {"ordinal": {"values": [2**k for k in range(n)]}})
categoricals = st.integers(1, 5).map(lambda n: {"categorical": {"choices": list("abcde"[:n])}})
domains = st.one_of(floats(), stepped, log_floats, integers, log_integers, ordinals, categoricals)


@st.composite
def spaces(draw):
    """A space of up to 8 parameters, some of them conditional on a categorical one before."""
    parameters, parents = [], []
    for index in range(draw(st.integers(1, 8))):
        parameter = {"name": f"p{index}", **draw(domains)}
        if parents and draw(st.booleans()):
            parent, choices = draw(st.sampled_from(parents))
            chosen = draw(st.lists(st.sampled_from(choices), min_size=1, unique=True))
            parameter["when"] = {"parameter": parent, "in": chosen}
        if "categorical" in parameter:
            parents.append((parameter["name"], parameter["categorical"]["choices"]))
        parameters.append(Parameter.model_validate(parameter))
    return SearchSpace.from_parameters(parameters)


@given(spaces(), st.data())
def test_rows_are_the_encoded_configurations(space, data):
    cells = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    row = st.lists(cells, min_size=len(space), max_size=len(space))
    unit = np.array(data.draw(st.lists(row, min_size=1, max_size=5)))
    given_unit = unit.copy()

    snapped = snap(space, unit)

    np.testing.assert_array_equal(unit, given_unit)
    for row, coordinates, active in zip(unit, snapped.unit, snapped.active, strict=True):
        parameters = space.from_unit(row)
        assert [name in parameters for name in space.names] == active.tolist()
        np.testing.assert_allclose(coordinates, space.encode(parameters), rtol=0, atol=1e-9)
        _check_alike(space, space.from_unit(coordinates), parameters)
    again = snap(space, snapped.unit)
    np.testing.assert_array_equal(again.active, snapped.active)
    np.testing.assert_allclose(again.unit, snapped.unit, rtol=0, atol=1e-14)


def _check_alike(space, one, other):
    """Whole numbers and words are equal; real ones may differ in the last of their digits."""
    assert one.keys() == other.keys()
    np.testing.assert_allclose(space.encode(one), space.encode(other), rtol=0, atol=1e-9)
    for name, value in one.items():
        assert isinstance(value, float) or value == other[name]


@pytest.fixture
def space():
    return SearchSpace.from_parameters(
        [
            Parameter.model_validate(each)
            for each in [
                {"name": "lr", "float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
                {"name": "kind", "categorical": {"choices": ["sgd", "adam"]}},
                {
                    "name": "momentum",
                    "float": {"min": 0, "max": 1},
                    "when": {"parameter": "kind", "in": ["sgd"]},
                },
            ]
        ]
    )


def test_inactive_coordinates_lie_in_the_middle(space):
    snapped = snap(space, np.array([[0.5, 0.1, 0.9], [0.5, 0.9, 0.9]]))
    np.testing.assert_allclose(snapped.unit, [[0.5, 0.25, 0.9], [0.5, 0.75, INACTIVE]])
    assert snapped.active.tolist() == [[True, True, True], [True, True, False]]


@pytest.mark.parametrize(
    "unit", [np.zeros(3), np.zeros((1, 2)), np.full((1, 3), 1.1), np.full((1, 3), np.nan)]
)
def test_points_that_are_none_are_refused(space, unit):
    with pytest.raises(SpaceError):
        snap(space, unit)


def test_no_points_are_no_points(space):
    assert snap(space, np.empty((0, 3))).unit.shape == (0, 3)
