import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.surrogates.prior.margins import Margin, MarginPrior

numbers = st.floats(-100.0, 100.0)


def test_the_best_value_is_0_and_the_median_1(tasks):
    for task in tasks:
        margin = Margin.of(task)
        best, median = margin.forward(np.array([task.y.min(), np.median(task.y)]))
        assert (best, median) == (pytest.approx(0.0), pytest.approx(1.0))


@given(floor=numbers, unit=st.floats(1e-3, 1e3), values=st.lists(numbers, min_size=2, unique=True))
def test_better_stays_better_and_bad_values_are_bounded(floor, unit, values):
    y = np.sort(values)
    z = Margin(floor, unit).forward(y)
    assert np.all(np.diff(z) >= 0.0)
    assert np.all(z < 2.0 + 1e-12)


@given(floor=numbers, unit=st.floats(1e-2, 1e2), share=st.floats(-1.0, 1.0))
def test_good_values_come_back(floor, unit, share):
    margin = Margin(floor, unit)
    y = floor + unit * share
    mean, variance = margin.backward(margin.forward(np.array([y])), np.array([0.25]))
    assert mean[0] == pytest.approx(y, abs=1e-9)
    assert variance[0] == pytest.approx(0.25 * unit**2)


def test_the_bounded_half_joins_smoothly():
    margin, step = Margin(0.0, 1.0), 1e-6
    below, at, above = margin.forward(np.array([1.0 - step, 1.0, 1.0 + step]))
    assert at == 1.0
    assert (above - at) / step == pytest.approx((at - below) / step, rel=1e-5)


def test_an_unbounded_margin_is_linear():
    margin = Margin(2.0, 3.0, bounded=False)
    np.testing.assert_allclose(margin.forward(np.array([2.0, 5.0, 302.0])), [0.0, 1.0, 100.0])


def test_a_task_whose_best_value_is_its_median_has_a_unit(bowls):
    task = bowls().task("t").at(np.arange(12))
    flat = np.where(np.arange(12) < 8, 1.0, 3.0)
    margin = Margin.of(type(task)(name="t", group="t", X=task.X, y=flat, full=task.full))
    assert margin.floor == 1.0
    assert margin.unit > 0.0


@pytest.mark.parametrize("bounded", [True, False])
def test_the_margin_of_a_new_task_is_found_from_a_few_values(bounded):
    """Where the model knows z, y = floor + unit * z tells both numbers."""
    rng = np.random.default_rng(3)
    prior = MarginPrior.of([Margin(f, u, bounded) for f, u in [(0, 1), (2, 2), (-1, 0.7)]])
    z = rng.uniform(0.0, 0.95, size=12)
    noise = 0.02
    found = prior.infer(5.0 + 1.6 * z, whiten=lambda r: r / noise, mean=z)
    assert found.unit == pytest.approx(1.6, rel=0.1)
    assert found.floor == pytest.approx(5.0, abs=0.15)
    assert found.bounded is bounded


def test_the_density_of_a_margin_counts_the_map_s_slope():
    """The mode over the grid is that of the density of y, evaluated the long way round."""
    prior = MarginPrior.of([Margin(0.0, 1.0), Margin(1.0, 2.0), Margin(-0.5, 1.5)])
    y, mean, noise = np.array([0.4, 1.2, 3.0, 9.0]), np.array([0.2, 0.6, 1.1, 1.7]), 0.15
    found = prior.infer(y, whiten=lambda r: r / noise, mean=mean)

    def log_posterior(floor, unit):
        def z(values):
            return Margin(floor, unit).forward(values)

        slope = (z(y + 1e-5) - z(y - 1e-5)) / 2e-5
        fit = -0.5 * (((z(y) - mean) / noise) ** 2).sum() + np.log(slope).sum()
        floor_term = -0.5 * ((floor - prior.floor[0]) / prior.floor[1]) ** 2
        unit_term = -0.5 * ((np.log(unit) - prior.log_unit[0]) / prior.log_unit[1]) ** 2
        return fit + floor_term + unit_term

    at_mode = log_posterior(found.floor, found.unit)
    floors, log_units = prior._candidates(0.4)
    every = [log_posterior(f, np.exp(u)) for f, u in zip(floors[::7], log_units[::7], strict=True)]
    assert at_mode >= max(every) - 1e-3


def test_one_task_says_little_about_the_margin_of_the_next():
    one = MarginPrior.of([Margin(1.0, 2.0)])
    assert one.centre == Margin(1.0, pytest.approx(2.0))
    assert one.floor[1] >= 2.0
    assert one.log_unit[1] >= 1.0
    agreeing = MarginPrior.of([Margin(1.0, 2.0)] * 5)
    assert agreeing.log_unit[1] < one.log_unit[1]
