import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import hypervolume

SIDE = 4
clouds = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.tuples(*[st.integers(0, SIDE + 1)] * size), min_size=1, max_size=8)
)


def count_cells(points, size):
    """Unit cells of the box [0, SIDE]^size that some point dominates."""
    return sum(
        any(
            all(value <= corner for value, corner in zip(point, cell, strict=True))
            for point in points
        )
        for cell in itertools.product(range(SIDE), repeat=size)
    )


@given(clouds)
def test_volume_is_the_number_of_dominated_cells(points):
    size = len(points[0])
    assert hypervolume(points, (SIDE,) * size) == count_cells(points, size)


@given(clouds, st.randoms())
def test_neither_order_matters(points, random):
    size = len(points[0])
    axes = random.sample(range(size), size)
    turned = [tuple(point[axis] for axis in axes) for point in random.sample(points, len(points))]
    assert hypervolume(turned, (SIDE,) * size) == hypervolume(points, (SIDE,) * size)


def test_objectives_to_maximise_count_upwards():
    assert hypervolume([(0.9, 10.0)], (0.5, 30.0), minimize=(False, True)) == pytest.approx(8.0)


def test_points_beyond_the_reference_and_without_value_add_nothing():
    assert hypervolume([], (1, 1)) == 0.0
    assert hypervolume([(2, 0), (0, 1)], (1, 1)) == 0.0
    assert hypervolume([(float("nan"), 0), (0.5, 0.5)], (1, 1)) == 0.25
