import math

from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import doubled_ranks, epsilon_net

distinct = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=20,
    unique=True,
)


def named(points):
    return [f"t-{index}" for index in range(len(points))]


def ordered(points):
    return list(epsilon_net(doubled_ranks(points, among=points), names=named(points)))


def test_ties_get_their_average_rank():
    assert doubled_ranks([(10.0,), (20.0,)], among=[(10.0,), (10.0,), (20.0,)]) == [(1,), (4,)]


@given(distinct)
def test_each_point_is_the_farthest_from_those_before_it(points):
    ranks = doubled_ranks(points, among=points)
    order = ordered(points)
    assert sorted(order) == list(range(len(points)))
    for place in range(1, len(order)):
        reach = {
            index: min(math.dist(ranks[index], ranks[before]) for before in order[:place])
            for index in order[place:]
        }
        assert reach[order[place]] >= max(reach.values()) - 1e-9


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
    ranks = doubled_ranks([point for _, point in shuffled], among=points)
    names = [f"t-{index}" for index, _ in shuffled]
    assert [names[index] for index in epsilon_net(ranks, names=names)] == [
        f"t-{index}" for index in ordered(points)
    ]


def test_the_first_is_the_best_on_average_then_come_the_ends():
    line = [(0.0, 10.0), (1.0, 4.0), (2.0, 2.0), (4.0, 1.0), (10.0, 0.0)]
    assert ordered(line)[0] == 2
    assert set(ordered(line)[1:3]) == {0, 4}
