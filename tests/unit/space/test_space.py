import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import SpaceError
from tuner.space import SearchSpace
from tuner.spec import Parameter


def space_of(*parameters):
    return SearchSpace.from_parameters([Parameter.model_validate(each) for each in parameters])


LR = {"name": "lr", "float": {"min": 1e-5, "max": 1e-2, "scale": "Log"}}
LAYERS = {"name": "layers", "integer": {"min": 1, "max": 8}}
BATCH = {"name": "batch_size", "ordinal": {"values": [256, 512, 1024]}}
OPTIMIZER = {"name": "optimizer", "categorical": {"choices": ["sgd", "adam"]}}
MOMENTUM = {
    "name": "momentum",
    "float": {"min": 0, "max": 0.99},
    "when": {"parameter": "optimizer", "in": ["sgd"]},
}
NESTEROV = {
    "name": "nesterov",
    "categorical": {"choices": ["yes", "no"]},
    "when": {"parameter": "optimizer", "in": ["sgd"]},
}
LOOK = {
    "name": "look",
    "integer": {"min": 1, "max": 3},
    "when": {"parameter": "nesterov", "in": ["yes"]},
}


@pytest.fixture
def space():
    return space_of(LR, LAYERS, BATCH, OPTIMIZER, MOMENTUM, NESTEROV, LOOK)


@given(unit=st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_encoding_is_undone_exactly_and_survives_json(unit):
    space = space_of(LR, LAYERS, BATCH, OPTIMIZER, MOMENTUM, NESTEROV, LOOK)
    parameters = space.from_unit(np.array(unit))
    encoded = space.encode(parameters)
    assert encoded.dtype == np.float64
    assert np.all((encoded >= 0) & (encoded <= 1))
    assert space.from_unit(encoded) == parameters
    shortened = json.loads(json.dumps(parameters), parse_float=_as_the_api_server_would)
    typed = space.cast(shortened)
    assert typed == parameters
    assert list(map(type, typed.values())) == list(map(type, parameters.values()))
    assert space.canonical(shortened) == space.canonical(parameters)


def _as_the_api_server_would(text):
    number = float(text)
    return int(number) if number.is_integer() else number


def test_conditions_hold_through_chains(space):
    assert space.active({"optimizer": "adam", "nesterov": "yes"}) == (
        "lr",
        "layers",
        "batch_size",
        "optimizer",
    )
    assert "look" in space.active({"optimizer": "sgd", "nesterov": "yes"})
    assert "look" not in space.active({"optimizer": "sgd", "nesterov": "no"})


def test_inactive_parameters_lie_in_the_middle(space):
    encoded = space.encode({"lr": 1e-3, "layers": 2, "batch_size": 256, "optimizer": "adam"})
    assert encoded[4:].tolist() == [0.5, 0.5, 0.5]


def test_samples_follow_the_generator(space):
    first = [space.sample(np.random.default_rng(7)) for _ in range(2)]
    assert first[0] == first[1]
    rng = np.random.default_rng(7)
    assert len({space.canonical(space.sample(rng)) for _ in range(50)}) == 50


def test_samples_reach_every_choice_evenly(space):
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng)["layers"] for _ in range(4000)]
    counts = np.bincount(drawn, minlength=9)[1:]
    assert counts.min() > 400
    assert counts.max() < 600


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 1.0}, 'parameter "lr": 1.0 is above the maximum 0.01'),
        ({"rl": 1.0}, 'parameter "rl" is not in the search space'),
        ({"layers": None}, 'parameter "layers" is active and has no value'),
        ({"optimizer": "adam"}, 'parameter "momentum" is not active: it needs "optimizer" to be'),
    ],
)
def test_cast_names_the_parameter_and_the_rule(space, changes, message):
    raw = {
        "lr": 1e-3,
        "layers": 2,
        "batch_size": 256,
        "optimizer": "sgd",
        "momentum": 0.5,
        "nesterov": "no",
        **changes,
    }
    with pytest.raises(SpaceError, match=message):
        space.cast({name: value for name, value in raw.items() if value is not None})


def test_cardinality_counts_conditional_configurations():
    assert space_of(LAYERS, BATCH).cardinality == 24
    assert space_of(OPTIMIZER, NESTEROV, LOOK).cardinality == 1 + (3 + 1)
    assert space_of(OPTIMIZER, MOMENTUM).cardinality is None
    assert space_of({**LR, "float": {"min": 0, "max": 1, "step": 0.25}}).cardinality == 5


def test_cardinality_equals_the_number_of_configurations_drawn():
    space = space_of(OPTIMIZER, NESTEROV, LOOK, BATCH)
    rng = np.random.default_rng(3)
    seen = {space.canonical(space.sample(rng)) for _ in range(2000)}
    assert len(seen) == space.cardinality


def test_a_condition_on_a_later_parameter_is_refused():
    with pytest.raises(SpaceError, match="not an earlier parameter"):
        space_of(MOMENTUM, OPTIMIZER)


def test_points_outside_the_cube_are_refused(space):
    with pytest.raises(SpaceError, match="outside"):
        space.from_unit(np.full(7, 1.5))
    with pytest.raises(SpaceError, match="outside"):
        space.from_unit(np.full(7, np.nan))
    with pytest.raises(SpaceError, match="expected 7 coordinates"):
        space.from_unit(np.zeros(3))


def test_a_finite_space_lists_its_configurations_once_each():
    space = space_of(OPTIMIZER, NESTEROV, LOOK, BATCH)
    listed = [space.canonical(each) for each in space.configurations()]
    assert len(set(listed)) == len(listed) == space.cardinality
    with pytest.raises(SpaceError, match="not finite"):
        space_of(LR).configurations()


def test_a_partial_configuration_is_completed_and_its_conditions_kept(space):
    unit = np.full(7, 0.9)
    sgd = space.complete({"lr": 0.001, "optimizer": "sgd", "nesterov": "no"}, unit=unit)
    assert list(sgd) == ["lr", "layers", "batch_size", "optimizer", "momentum", "nesterov"]
    assert (sgd["lr"], sgd["nesterov"]) == (0.001, "no")
    assert list(space.complete({}, unit=unit))[3:] == ["optimizer"]
    with pytest.raises(SpaceError, match='"momentum" is not active'):
        space.complete({"optimizer": "adam", "momentum": 0.5}, unit=unit)
