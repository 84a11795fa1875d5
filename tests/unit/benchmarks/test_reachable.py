import math

import numpy as np
import pytest

from benchmarks.problems.protocol import Declared, ProblemStage
from benchmarks.problems.reachable import reachable, volume_of
from benchmarks.simulate import Budget, product, run

DECLARED = Declared(
    name="two-ways",
    parameters=[
        {"name": "x", "float": {"min": 0, "max": 1}},
        {"name": "y", "float": {"min": 0, "max": 1}},
    ],
    stages=[ProblemStage("only", ("x", "y"))],
    objectives=[
        {"metric": "a", "direction": "Minimize"},
        {"metric": "b", "direction": "Minimize"},
    ],
)


class TwoWays:
    """`a` = e^(x + y), `b` = e^(1 - x + y): the front is y = 0, in logarithms a straight line."""

    declared = DECLARED

    def seconds(self, stage, parameters, *, instance_type, fidelity):
        return 1.0

    def metrics(self, stage, parameters, *, instance_type, fidelity):
        x, y = parameters["x"], parameters["y"]
        return {"a": math.exp(x + y), "b": math.exp(1 - x + y)}


@pytest.fixture(scope="module")
def found():
    return reachable(TwoWays(), samples=500, rounds=20, children=100)


def test_the_front_is_where_it_must_be(found):
    assert max(math.log(one["a"]) + math.log(one["b"]) for one in found.metrics) < 1.1
    assert found.front.min() == 0.0
    low, high = found.scale.low, found.scale.high
    assert low == pytest.approx([0, 0], abs=0.05)
    assert np.all(high > 1)
    # Under the line from (0, 1) to (1, 0) up to the reference, in units of (high - low).
    corner = high - low
    missed = 0.5 / np.prod(corner)
    assert found.volume == pytest.approx(1 - missed, abs=0.02)


def test_shares_grow_to_at_most_one(found):
    trace = run(TwoWays(), product("Random"), seed=0, budget=Budget(trials=25))
    shares = found.curve(trace)
    assert np.all(np.diff(shares) >= -1e-12)
    assert 0 < shares[-1] <= 1
    assert shares[-1] == pytest.approx(found.share(one.metrics for one in trace.completed))
    assert found.usd_to(trace, shares[-1]) <= trace.spent_usd[-1]
    assert found.usd_to(trace, 1.01) == float("inf")


def test_volume_by_hand():
    assert volume_of(np.array([[0.5, 0.25], [0.25, 0.5]])) == pytest.approx(
        0.5 * 0.75 + 0.75 * 0.5 - 0.5 * 0.5
    )
    assert volume_of(np.array([[1.5, 0.0]])) == 0.0
