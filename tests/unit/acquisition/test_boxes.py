import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tuner.acquisition import FrontBoxes
from tuner.acquisition.fronts import best_points, best_rows, first_fronts, spread
from tuner.acquisition.grid import Grid
from tuner.acquisition.scalarisation import Scalarisations
from tuner.pareto import hypervolume, pareto_front

coordinates = st.one_of(st.integers(0, 6).map(float), st.floats(-2.0, 8.0))


@st.composite
def fronts(draw, *, objectives=(1, 2, 3, 4), points=7):
    """Some points, a reference and a few more points; coordinates often coincide."""
    size = draw(st.sampled_from(objectives))
    vector = st.lists(coordinates, min_size=size, max_size=size)
    front = draw(st.lists(vector, max_size=points))
    samples = draw(st.lists(vector, min_size=1, max_size=4))
    reference = draw(st.lists(st.floats(3.0, 7.0), min_size=size, max_size=size))
    return np.array(front).reshape(-1, size), np.array(reference), np.array(samples)


def gains(front, reference, samples):
    """What each sample adds to the hypervolume, by computing it twice."""
    before = hypervolume(front.tolist(), reference.tolist())
    return [
        hypervolume([*front.tolist(), sample.tolist()], reference.tolist()) - before
        for sample in samples
    ]


def sphere(rng, count, objectives):
    """A front: points of the unit sphere's negative part."""
    normal = np.abs(rng.normal(size=(count, objectives)))
    return -normal / np.linalg.norm(normal, axis=1, keepdims=True)


@settings(max_examples=300)
@given(fronts())
def test_it_is_the_difference_of_two_hypervolumes(given_front):
    front, reference, samples = given_front
    found = FrontBoxes.of(front, reference).improvement(samples[:, None])[:, 0]
    np.testing.assert_allclose(found, gains(front, reference, samples), rtol=1e-9, atol=1e-8)


@given(fronts(objectives=(2, 3, 4)), st.randoms(use_true_random=False))
def test_the_order_of_objectives_does_not_matter(given_front, random):
    front, reference, samples = given_front
    order = list(range(len(reference)))
    random.shuffle(order)
    plain = FrontBoxes.of(front, reference).improvement(samples[:, None])
    shuffled = FrontBoxes.of(front[:, order], reference[order]).improvement(
        samples[:, None][..., order]
    )
    np.testing.assert_allclose(plain, shuffled, rtol=1e-9, atol=1e-9)


@given(fronts(), st.floats(1e-3, 1e3))
def test_the_unit_of_an_objective_is_a_factor(given_front, unit):
    front, reference, samples = given_front
    units = np.ones(len(reference))
    units[0] = unit
    plain = FrontBoxes.of(front, reference).improvement(samples[:, None])
    scaled = FrontBoxes.of(front * units, reference * units).improvement(samples[:, None] * units)
    np.testing.assert_allclose(scaled, unit * plain, rtol=1e-6, atol=1e-9 * unit)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_botorch_finds_the_same_volume_in_its_boxes(oracle, rng, objectives):
    import torch
    from botorch.utils.multi_objective.box_decompositions import FastNondominatedPartitioning

    front = sphere(rng, 12, objectives)
    samples = rng.uniform(-1.5, 0.2, size=(500, objectives))
    partitioning = FastNondominatedPartitioning(
        ref_point=torch.zeros(objectives, dtype=torch.float64), Y=torch.tensor(-front)
    )
    lower, upper = (bound.numpy() for bound in partitioning.get_hypercell_bounds())
    edges = np.clip(np.minimum(upper, -samples[:, None]) - lower, 0.0, None)
    found = FrontBoxes.of(front, np.zeros(objectives)).improvement(samples[None])[0]
    np.testing.assert_allclose(found, edges.prod(axis=-1).sum(axis=-1), rtol=1e-9, atol=1e-12)


def test_botorch_sees_the_same_improvement_in_every_sample(oracle, rng):
    import torch
    from botorch.acquisition.multi_objective import qExpectedHypervolumeImprovement
    from botorch.sampling import IIDNormalSampler
    from botorch.utils.multi_objective.box_decompositions import FastNondominatedPartitioning
    from botorch.utils.testing import MockModel, MockPosterior

    front = sphere(rng, 20, 3)
    samples = rng.normal(-0.5, 0.5, size=(128, 5, 3))
    partitioning = FastNondominatedPartitioning(
        ref_point=torch.zeros(3, dtype=torch.float64), Y=torch.tensor(-front)
    )
    model = MockModel(MockPosterior(samples=torch.tensor(-samples)[:, :, None]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of itself: it is not the logarithmic one
        expected = qExpectedHypervolumeImprovement(
            model=model,
            ref_point=[0.0, 0.0, 0.0],
            partitioning=partitioning,
            sampler=IIDNormalSampler(torch.Size([1])),
        )(torch.zeros(5, 1, 2, dtype=torch.float64))
    found = FrontBoxes.of(front, np.zeros(3)).improvement(samples)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-9, atol=1e-12)


def test_tiny_improvements_keep_their_digits():
    """Next to the front a gain of 1e-12 of the volume is not a difference of two large numbers."""
    boxes = FrontBoxes.of(np.array([[0.0, 0.5], [0.5, 0.0]]), np.array([1.0, 1.0]))
    step = 2.0**-40
    found = boxes.improvement(np.array([[[0.5 - step, 0.5 - step], [1.0 - step, -step]]]))
    np.testing.assert_allclose(found[0], [step**2, step**2], rtol=1e-12)


def test_without_a_front_it_is_the_box_up_to_the_reference():
    boxes = FrontBoxes.of(np.empty((0, 2)), np.array([1.0, 2.0]))
    samples = np.array([[[0.0, 0.0], [-5.0, 1.0], [1.0, -9.0], [np.inf, 0.0]]])
    np.testing.assert_allclose(boxes.improvement(samples)[0], [2.0, 6.0, 0.0, 0.0])


def test_a_longer_front_than_the_grid_holds_is_thinned_and_still_dominates(rng):
    front = sphere(rng, 60, 4)
    boxes = FrontBoxes.of(front, np.zeros(4))
    assert len(boxes.omitted) == 60 - Grid.most_points(4)
    behind = front + rng.uniform(0.0, 0.05, size=front.shape)
    assert not boxes.improvement(behind[None]).any()
    ahead = front - 0.05
    exact = gains(front, np.zeros(4), ahead[:10])
    found = boxes.improvement(ahead[None])[0, :10]
    assert np.all(found >= np.array(exact) - 1e-12)
    assert np.median(found / exact) < 1.5


def test_many_objectives_are_estimated(rng):
    front, reference = sphere(rng, 12, 5), np.zeros(5)
    samples = rng.uniform(-1.0, 0.0, size=(200, 5))
    exact = np.array(gains(front, reference, samples))
    found = FrontBoxes.of(front, reference).improvement(samples[None])[0]
    assert np.corrcoef(exact, found)[0, 1] > 0.97
    fine = Scalarisations.of(front, reference=reference, scale=np.ones(5), directions=1 << 13)
    np.testing.assert_allclose(fine.improvement(samples).sum(), exact.sum(), rtol=0.03)


@given(fronts(points=12))
def test_the_front_is_what_nothing_dominates(given_front):
    front, _, _ = given_front
    expected = pareto_front(front.tolist(), minimize=[True] * front.shape[1])
    assert best_rows(front).tolist() == expected
    best = best_points(front)
    assert {tuple(point) for point in best} == {tuple(front[row]) for row in expected}
    assert len(best) == len(np.unique(front[expected], axis=0))


@given(fronts(points=12))
def test_front_after_front_is_what_nothing_left_dominates(given_front):
    points, _, _ = given_front
    left = list(range(len(points)))
    for front in first_fronts(points, count=5):
        assert len(points) - len(left) < 5
        best = pareto_front(points[left].tolist(), minimize=[True] * points.shape[1])
        assert sorted(front.tolist()) == [left[row] for row in best]
        left = [row for row in left if row not in front]
    assert not left or len(points) - len(left) >= 5


def test_a_spread_keeps_the_best_in_each_objective(rng):
    front = sphere(rng, 50, 3)
    kept = spread(front, 10)
    assert len(set(kept.tolist())) == 10
    np.testing.assert_array_equal(front[kept].min(axis=0), front.min(axis=0))


@given(fronts(objectives=(2, 3)))
def test_a_shortfall_is_how_far_a_point_must_fall_to_gain(given_front):
    front, reference, samples = given_front
    boxes = FrontBoxes.of(front, reference)
    missing = boxes.shortfall(samples)
    assume(np.all(missing < 1e3))
    fallen = samples - (missing + 1e-6)[:, None] * boxes.scale
    assert np.all(boxes.improvement(fallen[None]) > 0.0)
    short = missing > 1e-6
    almost = samples - (0.999999 * missing - 1e-7)[:, None] * boxes.scale
    assert not boxes.improvement(almost[None])[0][short].any()


def test_smoothing_tells_hopeless_candidates_apart_and_leaves_the_others(rng):
    boxes = FrontBoxes.of(sphere(rng, 20, 3), np.zeros(3))
    offsets = np.array([-0.5, 0.1, 0.2, 0.5, 2.0, 50.0])
    samples = rng.normal(scale=1e-3, size=(32, 1, 3)) + offsets[:, None]
    plain = boxes.improvement(samples)
    smooth = boxes.smoothed(samples, plain)
    np.testing.assert_array_equal(smooth[:, 0], plain[:, 0])
    assert not plain[:, 1:].any()
    means = smooth.mean(axis=0)
    assert np.all(np.diff(means) < 0.0)
    assert np.all(means > 0.0)
