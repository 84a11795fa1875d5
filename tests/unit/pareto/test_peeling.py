from hypothesis import given
from hypothesis import strategies as st

from tuner.pareto import sort_into_fronts, split_at

few = st.integers(0, 5).map(float)


def clouds(objectives):
    return st.lists(st.tuples(*[few] * objectives), min_size=1, max_size=30, unique=True)


@given(st.integers(1, 5).flatmap(clouds))
def test_it_is_split_where_the_whole_order_would_split_it(points):
    fronts = dict(zip(points, sort_into_fronts(points), strict=True))
    for own in points:
        earlier, peers = split_at(points, own=own)
        assert set(earlier) == {point for point in points if fronts[point] < fronts[own]}
        assert set(peers) == {point for point in points if fronts[point] == fronts[own]}
        assert len(earlier) + len(peers) == len({*earlier, *peers})
