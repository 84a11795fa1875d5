import math

from hypothesis import given
from hypothesis import strategies as st

from tuner.schedulers import RungRecord
from tuner.schedulers.ranking import count_better, in_order

value = st.integers(0, 5).map(float) | st.just(math.nan)


def records(vectors):
    return [RungRecord(trial=f"s-0-{i}", vector=tuple(v)) for i, v in enumerate(vectors)]


@given(
    st.integers(1, 4).flatmap(
        lambda size: st.lists(st.tuples(*[value] * size), min_size=1, max_size=25)
    )
)
def test_one_place_is_that_in_the_whole_order(vectors):
    rung = records(vectors)
    minimize = (True, False, True, False)[: len(vectors[0])]
    before = 0
    seen = []
    fronts = []
    for front, names in in_order(rung, minimize=minimize):
        fronts.append(front)
        for name in names:
            assert count_better(rung, trial=name, minimize=minimize) == before
        before += len(names)
        seen += names
    assert fronts == sorted(fronts)
    assert sorted(seen) == sorted(one.trial for one in rung)
