import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import dominates, non_dominated_sort, pareto_front, sort_into_fronts

few = st.integers(0, 5).map(float)


def clouds(objectives, *, size=25, values=few):
    return st.lists(st.tuples(*[values] * objectives), max_size=size)


any_cloud = st.integers(1, 5).flatmap(clouds)


def peel(points):
    """The definition: take away what nothing dominates, again and again."""
    left = set(range(len(points)))
    fronts = []
    while left:
        front = {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        fronts.append(sorted(front))
        left -= front
    return fronts


@given(any_cloud)
def test_fronts_are_those_of_the_definition(points):
    minimize = (True,) * (len(points[0]) if points else 1)
    fronts = non_dominated_sort(points, minimize=minimize)
    assert fronts == peel(points)
    assert pareto_front(points, minimize=minimize) == (fronts[0] if fronts else [])


@given(clouds(3), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_a_direction_belongs_to_each_objective(points, minimize):
    flipped = [
        tuple(v if low else -v for v, low in zip(point, minimize, strict=True)) for point in points
    ]
    assert non_dominated_sort(points, minimize=minimize) == peel(flipped)


@given(clouds(4))
def test_bit_sets_and_staircases_agree(points):
    padded = sorted({point[:3] for point in points})
    wide = [(*point, 0.0) for point in padded]
    assert sort_into_fronts(padded) == sort_into_fronts(wide)


@given(clouds(3), st.permutations(range(3)))
def test_the_order_of_objectives_does_not_matter(points, order):
    turned = [tuple(point[k] for k in order) for point in points]
    minimize = (True,) * 3
    assert non_dominated_sort(points, minimize=minimize) == non_dominated_sort(
        turned, minimize=minimize
    )


def test_points_that_are_not_finite_come_last_and_never_stand_on_the_front():
    points = [(1.0, math.nan), (2.0, 2.0), (math.inf, 0.0), (1.0, 1.0)]
    assert non_dominated_sort(points, minimize=(True, True)) == [[3], [1], [0, 2]]
    assert pareto_front(points, minimize=(True, True)) == [3]
    assert pareto_front(points[:1], minimize=(True, True)) == []


def test_nothing_has_no_front():
    assert non_dominated_sort([], minimize=(True, True)) == []
    assert pareto_front([], minimize=(True, True)) == []


def test_equal_points_share_the_front():
    assert pareto_front([(1, 2), (1, 2), (2, 2)], minimize=(True, True)) == [0, 1]


@pytest.mark.parametrize(
    ("a", "b"), list(itertools.product([(1, 2), (2, 1), (1, 1), (2, 2)], repeat=2))
)
def test_dominance_is_a_strict_order(a, b):
    assert not (dominates(a, b) and dominates(b, a))
    assert dominates(a, b) == (a != b and a[0] <= b[0] and a[1] <= b[1])
