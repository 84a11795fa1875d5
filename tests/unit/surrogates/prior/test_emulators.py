from dataclasses import replace

import numpy as np
import pytest

from tuner.surrogates.prior.emulators import MAX_ANCHORS, emulate


@pytest.fixture(scope="module")
def atlas(tasks, columns):
    return emulate(tasks, [task.y for task in tasks], groups=columns)


def test_each_task_is_read_where_it_was_not_seen(atlas, family, rng):
    X = rng.random((200, 3))
    table = atlas.reader(atlas.values)(X)
    for seed in range(6):
        truth = family(seed)(X)
        error = np.sqrt(((table[:, seed] - truth) ** 2).mean())
        assert error < 0.12 * truth.std()


def test_its_anchors_are_the_tasks_inputs(atlas, tasks):
    seen = {row.tobytes() for task in tasks for row in task.X}
    assert {row.tobytes() for row in atlas.anchors} == seen
    assert atlas.values.shape == atlas.doubt.shape == (len(seen), len(tasks))
    assert (atlas.doubt >= 0.0).all()


def test_doubt_is_least_where_a_task_was_seen(atlas, tasks):
    own = (atlas.anchors[:, None] == tasks[0].X).all(axis=2).any(axis=1)
    assert atlas.doubt[own, 0].mean() < 0.3 * atlas.doubt[~own, 0].mean()


def test_a_task_falls_back_on_what_tasks_have_in_common(tasks, columns):
    """One that was seen in a corner only follows the others elsewhere, and says so."""
    corner = np.flatnonzero((tasks[0].X > 0.5).all(axis=1))
    few = tasks[0].at(np.union1d(corner, np.arange(5)))
    seen = (few, *tasks[1:])
    atlas = emulate(seen, [task.y for task in seen], groups=columns)
    far = np.full((1, 3), 0.05)
    read = atlas.reader(np.column_stack([atlas.values, atlas.doubt]))(far)[0]
    values, doubt = read[:6], read[6:]
    assert abs(values[0] - values[1:].mean()) < 1.5
    assert doubt[0] > doubt[1:].mean()


def test_a_column_that_a_task_did_not_vary_says_nothing(tasks, columns, family):
    """A study without the third parameter, which lies in the middle for it, has no view of it."""
    without = []
    for seed, task in enumerate(tasks):
        X = task.X.copy()
        X[:, 2] = 0.5
        without.append(replace(task, X=X, y=family(seed)(X)))
    atlas = emulate(without, [task.y for task in without], groups=columns)
    read = atlas.reader(atlas.values)
    here, there = np.array([[0.2, 0.6, 0.1]]), np.array([[0.2, 0.6, 0.9]])
    np.testing.assert_allclose(read(here), read(there), atol=1e-3)


def test_many_inputs_are_thinned_and_the_best_kept(columns, bowls):
    many = [bowls().task(f"t{seed}", seed=seed, n=500) for seed in range(3)]
    atlas = emulate(many, [task.y for task in many], groups=columns)
    assert len(atlas.anchors) == MAX_ANCHORS
    kept = {row.tobytes() for row in atlas.anchors}
    for task in many:
        assert task.X[task.y.argmin()].tobytes() in kept


def test_the_order_of_tasks_does_not_matter(atlas, tasks, columns):
    order = [3, 1, 5, 0, 4, 2]
    other = emulate([tasks[i] for i in order], [tasks[i].y for i in order], groups=columns)
    X = np.random.default_rng(5).random((30, 3))
    np.testing.assert_allclose(
        other.reader(other.values)(X), atlas.reader(atlas.values)(X)[:, order], atol=1e-6
    )
