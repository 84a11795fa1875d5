import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import net_order, scaled_ranks, weight_before
from tuner.pareto.net import BITS

distinct = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=20,
    unique=True,
)


def ordered(points, names=None, among=None):
    """Indices of the points in the order of the net."""
    names = names or [f"t-{index:02}" for index in range(len(points))]
    ranks = scaled_ranks(points, among=among or points)
    order = net_order(dict(zip(ranks, names, strict=True)))
    return [ranks.index(each) for each in order]


def test_ties_get_their_average_rank():
    ranks = scaled_ranks([(10.0,), (20.0,)], among=[(10.0,), (10.0,), (20.0,)])
    assert ranks == [((1 << BITS) // 6,), ((4 << BITS) // 6,)]


@given(distinct, st.integers(1, 30))
def test_ranks_are_the_same_however_few_are_asked_for(points, repeated):
    many = points * repeated
    assert scaled_ranks(points, among=many) == scaled_ranks(many, among=many)[: len(points)]


@given(distinct)
def test_after_each_halving_no_point_is_farther_than_a_cell(points):
    ranks = scaled_ranks(points, among=points)
    order = ordered(points)
    assert sorted(order) == list(range(len(points)))
    for step in range(6):
        cells = {tuple(rank >> (BITS - step) for rank in each) for each in ranks}
        first = [ranks[index] for index in order[: len(cells)]]
        assert {tuple(rank >> (BITS - step) for rank in each) for each in first} == cells


@given(distinct, st.data())
def test_what_comes_before_a_point_is_weighed_without_ordering(points, data):
    ranks = scaled_ranks(points, among=points)
    names = {each: f"t-{index:02}" for index, each in enumerate(ranks)}
    weights = {each: data.draw(st.integers(1, 3)) for each in ranks}
    order = net_order(names)
    for place, own in enumerate(order):
        assert weight_before(own, points=ranks, name=names.get, weights={}) == place
        before = sum(weights[each] for each in order[:place])
        assert weight_before(own, points=ranks, name=names.get, weights=weights) == before


@given(distinct, st.permutations(range(3)))
def test_the_order_of_objectives_does_not_matter(points, order):
    turned = [tuple(point[k] for k in order) for point in points]
    assert ordered(turned) == ordered(points)


@given(distinct)
def test_monotone_rescaling_does_not_matter(points):
    rescaled = [(math.exp(a), 1e9 * b - 7.0, float(c) ** 3) for a, b, c in points]
    assert ordered(rescaled) == ordered(points)


@given(distinct, st.randoms())
def test_the_order_of_points_does_not_matter(points, random):
    shuffled = list(enumerate(points))
    random.shuffle(shuffled)
    names = [f"t-{index:02}" for index, _ in shuffled]
    order = ordered([point for _, point in shuffled], names)
    assert [names[index] for index in order] == [f"t-{index:02}" for index in ordered(points)]


def test_the_first_is_the_best_on_average_then_come_the_halves():
    line = [(0.0, 10.0), (1.0, 4.0), (2.0, 2.0), (4.0, 1.0), (10.0, 0.0)]
    first, second, third, *_ = ordered(line)
    assert first == 2
    assert {second, third} in ({0, 3}, {0, 4}, {1, 3}, {1, 4})


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_a_long_front_is_spread_out_from_the_first_on(count):
    points = [(float(index), float(-index)) for index in range(count)]
    first = sorted(ordered(points)[:8])
    gaps = [b - a for a, b in zip([0, *first], [*first, count - 1], strict=True)]
    assert max(gaps) <= count / 4 + 1
