import math

import numpy as np
import pytest

from benchmarks.problems.protocol import Declared, ProblemStage
from benchmarks.problems.reachable import reachable, volume_of
from benchmarks.simulate import Budget, product, run
from tuner.searchers.joint import Configuration

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


class Twice:
    """Two stages on two types, of which one is twice as fast and three times as dear."""

    declared = Declared(
        name="twice",
        parameters=[
            {"name": "x", "float": {"min": 0, "max": 1}},
            {"name": "y", "float": {"min": 0, "max": 1}},
        ],
        stages=[ProblemStage("first", ("x",)), ProblemStage("second", ("y",))],
        objectives=[
            {"metric": "loss", "direction": "Minimize"},
            {"metric": "runtime", "direction": "Minimize"},
        ],
        instance_types={
            "slow": {"pricePerHour": 1.0, "resources": {"cpu": "1"}},
            "fast": {"pricePerHour": 3.0, "resources": {"cpu": "2"}},
        },
    )

    def seconds(self, stage, parameters, *, instance_type, fidelity):
        return 600.0 if instance_type == "slow" else 300.0

    def metrics(self, stage, parameters, *, instance_type, fidelity):
        return {"loss": 1.0 + parameters["x"] + parameters["y"]} if stage == "second" else {}


def test_what_another_type_left_in_the_cache_counts_as_from_scratch():
    twice = Twice()
    first, second = (
        Configuration({"x": 0.5, "y": y}, (kind,)) for y, kind in ((0.5, "fast"), (0.1, "slow"))
    )
    trace = run(
        twice,
        product("Random"),
        seed=0,
        budget=Budget(trials=2),
        warm_up=(first, second),
    )
    assert [one.cached for one in trace.completed] == [(), ("first",)]
    assert trace.completed[1].metrics["runtime"] == 900.0, "seconds of where the stage ran"
    found = reachable(twice, samples=200, rounds=2, children=20)
    real = [{"loss": 2.0, "runtime": 600.0}, {"loss": 1.6, "runtime": 1200.0}]
    assert found.curve(trace).tolist() == pytest.approx([found.share(real[:1]), found.share(real)])
