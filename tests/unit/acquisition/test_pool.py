import numpy as np
import pytest

from tuner.acquisition import Coordinates, Pool, PoolSize, Prefix, candidates, deepest, perturb
from tuner.acquisition.moves import flips
from tuner.hardware import StageChoices
from tuner.searchers.joint import JointSpace

VECTORISED = np.array([True, True] + [False] * 5 + [True, False])
"""What the first two stages depend on: two parameters and the second group's instance type."""

FITTED = np.array([True] * 5 + [False] * 2 + [True, True])


@pytest.fixture
def prefixes(trials):
    return [Prefix(trial, VECTORISED, 2) for trial in trials[:12]] + [Prefix(trials[0], FITTED, 3)]


@pytest.fixture
def pool(cube, trials, prefixes, rng):
    return candidates(cube, incumbents=trials[:6], prefixes=prefixes, tried=trials, rng=rng)


def test_there_are_two_thousand_and_every_prefix_is_completed(pool, prefixes):
    assert len(pool) >= 2000
    assert len(pool.points) == len(pool.prefix) == len(pool)
    counts = np.bincount(pool.prefix[pool.prefix >= 0], minlength=len(prefixes))
    assert np.all(counts >= 12)
    assert np.sum(pool.prefix < 0) > 500


def test_without_trials_and_prefixes_it_is_as_large(cube, rng):
    pool = candidates(cube, incumbents=np.empty((0, len(cube))), rng=rng)
    assert len(pool) >= 2000
    assert np.all(pool.prefix == -1)
    assert pool.free([]).all()


def test_completions_keep_their_prefix_to_the_last_bit(pool, prefixes):
    free = pool.free(prefixes)
    for index, prefix in enumerate(prefixes):
        rows = pool.prefix == index
        np.testing.assert_array_equal(
            pool.unit[rows][:, prefix.fixed],
            np.broadcast_to(prefix.unit[prefix.fixed], (rows.sum(), prefix.fixed.sum())),
        )
        np.testing.assert_array_equal(free[rows], np.tile(~prefix.fixed, (rows.sum(), 1)))
    assert free[pool.prefix == -1].all()


def test_the_deepest_of_nested_prefixes_counts(trials):
    nested = [Prefix(trials[0], FITTED, 3), Prefix(trials[0], VECTORISED, 2)]
    other = np.where(FITTED, trials[0], 1.0 - trials[0])
    shallow = np.where(VECTORISED, trials[0], 1.0 - trials[0])
    found = deepest(np.array([trials[0], other, shallow, 1.0 - trials[0]]), nested)
    assert found.tolist() == [0, 0, 1, -1]


def test_all_are_configurations_of_the_space_and_none_is_there_twice(cube, pool, trials):
    joint = JointSpace(cube.space, StageChoices(cube.groups))
    configurations = [joint.from_unit(unit) for unit in pool.unit]
    keys = [joint.key(each) for each in configurations]
    assert len(set(keys)) == len(keys)
    assert not {joint.key(joint.from_unit(trial)) for trial in trials} & set(keys)
    for row in range(0, len(pool), 97):
        encoded = cube.space.encode(configurations[row].parameters)
        np.testing.assert_allclose(pool.points.unit[row], encoded, atol=1e-9)
        chosen = [
            group.types[index]
            for group, index in zip(cube.groups, pool.points.types[row], strict=True)
        ]
        assert tuple(chosen) == configurations[row].chosen


def test_the_cube_is_where_points_lie(cube, pool):
    np.testing.assert_allclose(cube.unit(pool.points), pool.unit, atol=1e-9)
    np.testing.assert_array_equal(cube.coordinates.levels, [9991, 3, 0, 2, 0, 4, 0, 2, 3])
    unordered = [False, True, False, True, False, False, False, True, True]
    np.testing.assert_array_equal(cube.coordinates.unordered, unordered)


def test_the_same_generator_gives_the_same_pool(cube, trials, prefixes):
    first, second = (
        candidates(cube, incumbents=trials, prefixes=prefixes, rng=np.random.default_rng(3))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.unit, second.unit)


def test_neighbours_of_the_best_differ_from_it_in_few_coordinates_at_many_scales(cube, trials, rng):
    pool = candidates(cube, incumbents=trials[:1], rng=rng)
    differs = np.abs(pool.unit - trials[0]) > 1e-6
    changed = differs.sum(axis=1)
    assert np.sum(changed == 1) > 150
    assert np.sum((changed > 1) & (changed < 5)) > 200
    alone = differs[:, 6] & (changed == 1)
    assert alone.sum() >= 10
    steps = np.abs(pool.unit[alone, 6] - trials[0, 6])
    assert steps.min() < 0.02
    assert steps.max() > 0.1


def test_every_other_category_and_instance_type_of_the_best_is_there(cube, trials, rng):
    pool = candidates(cube, incumbents=trials[:1], rng=rng)
    for index in (1, 7, 8):
        changed = np.abs(pool.unit - trials[0]) > 1e-6
        others = pool.unit[changed[:, index] & (changed.sum(axis=1) == 1), index]
        assert len(set(others.tolist())) == cube.coordinates.levels[index] - 1


def test_parameters_that_become_active_lie_anywhere(cube, trials, rng):
    """An inactive parameter's place in the middle of its range is no value to start from."""
    adam = trials[trials[:, 3] > 0.5][:1]
    pool = candidates(cube, incumbents=np.repeat(adam, 3, axis=0), rng=rng)
    woken = pool.unit[(pool.unit[:, 3] < 0.5) & pool.points.active[:, 4], 4]
    assert np.mean(np.abs(woken - 0.5) < 1e-6) < 0.2


def test_a_small_space_gives_what_there_is(rng, trials, cube):
    size = PoolSize(total=64, least=4)
    pool = candidates(cube, incumbents=trials[:2], size=size, rng=rng)
    assert 40 < len(pool) <= 64 + size.flips
    assert isinstance(pool, Pool)


def test_moves_change_what_is_free_and_nothing_else(rng):
    kinds = Coordinates(np.array([0, 4, 3, 0]), np.array([False, False, True, False]))
    base = np.tile([0.5, 0.375, 0.5, 0.0], (500, 1))
    free = np.tile([True, True, True, False], (500, 1))
    free[:50] = False
    moved = perturb(base, scale=np.full(500, 0.01), free=free, coordinates=kinds, rng=rng)
    changed = moved != base
    assert not changed[~free].any()
    assert changed[50:].any(axis=1).all()
    assert not changed[:50].any()
    assert np.all((moved >= 0.0) & (moved <= 1.0))
    whole = moved[changed[:, 1], 1]
    assert np.all(np.abs(whole - 0.375) >= 0.25)
    assert {0, 2} >= set(np.floor(moved[changed[:, 2], 2] * 3).astype(int).tolist())


def test_steps_end_at_the_faces_of_the_cube(rng):
    moved = perturb(
        np.full((400, 2), 0.99),
        scale=np.full(400, 0.1),
        free=np.ones((400, 2), dtype=bool),
        coordinates=Coordinates.continuous(2),
        rng=rng,
    )
    assert np.sum(moved == 1.0) > 100


def test_flips_are_as_many_as_allowed_and_the_best_come_first():
    kinds = Coordinates(np.array([3, 0, 2]), np.array([True, False, True]))
    base = np.array([[0.5, 0.1, 0.25], [0.5, 0.9, 0.25]])
    found = flips(base, coordinates=kinds, most=4)
    np.testing.assert_allclose(found[:3, 0], [1 / 6, 5 / 6, 0.5])
    assert found[:3, 1].tolist() == [0.1] * 3
    assert found[3, 1] == 0.9
