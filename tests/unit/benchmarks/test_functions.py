import numpy as np
import pytest

from benchmarks.problems.functions import branin, functions, hartmann3


@pytest.mark.parametrize("name", functions())
def test_nothing_is_below_the_known_minimum(name):
    function = functions()[name]
    sample = np.random.default_rng(1).random((20_000, function.dimensions))
    at_best = function(function.best_unit[None])[0]
    assert at_best == 0.0
    near = np.clip(function.best_unit + 0.01 * (sample[:2000] - 0.5), 0, 1)
    # `raw` at rounded minimisers may be above nearby points by rounding alone.
    assert function.raw(function.low + near * (function.high - function.low)).min() >= (
        function.raw(function.minimiser[None])[0] - 1e-4
    )
    assert np.all(function(sample) >= 0)
    assert np.median(function(sample)) == pytest.approx(1.0, rel=0.1)


def test_published_minima():
    assert branin(np.array([[np.pi, 2.275]]))[0] == pytest.approx(0.397887, abs=1e-6)
    best = np.array([[0.114614, 0.555649, 0.852547]])
    assert hartmann3(best)[0] == pytest.approx(-3.86278, abs=1e-5)
