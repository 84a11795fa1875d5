import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm

from tuner.acquisition import (
    FrontBoxes,
    log_acquisition,
    log_expected_improvement,
    log_gain_per_spend,
    log_inverse_cost,
    sobol_normal,
)


def memoised(*counts):
    return np.array(counts, dtype=np.intp)


def test_certain_costs_are_summed_by_hand():
    mu = np.log(np.array([[2.0, 2.0, 2.0], [3.0, 3.0, 3.0], [5.0, 5.0, 5.0]]))
    found = log_inverse_cost(
        mu, np.zeros((3, 3)), np.zeros((4, 3)), memoised=memoised(0, 1, 3), epsilon=0.5
    )
    np.testing.assert_allclose(np.exp(-found), [2.0 + 3.0 + 5.0, 0.5 + 3.0 + 5.0, 3 * 0.5])


def test_every_stage_may_have_a_restore_time_of_its_own():
    found = log_inverse_cost(
        np.zeros((2, 2)),
        np.zeros((2, 2)),
        np.zeros((4, 2)),
        memoised=memoised(1, 2),
        epsilon=[0.25, 0.125],
    )
    np.testing.assert_allclose(np.exp(-found), [0.25 + 1.0, 0.25 + 0.125])


def test_it_is_the_mean_of_the_inverse_by_plain_monte_carlo(rng):
    mu, sd = np.array([0.3, -0.5, 1.0]), np.array([0.7, 0.4, 0.9])
    costs = np.exp(mu + sd * rng.normal(size=(400_000, 3)))
    for delta in range(3):
        total = delta * 0.1 + costs[:, delta:].sum(axis=1)
        found = log_inverse_cost(
            mu[:, None],
            sd[:, None],
            sobol_normal(1024, 3, rng=rng),
            memoised=memoised(delta),
            epsilon=0.1,
        )
        assert np.exp(found[0]) == pytest.approx(np.mean(1.0 / total), rel=0.01)
        assert np.exp(found[0]) > 1.05 / np.mean(total)


def test_one_stage_has_a_closed_form(rng):
    """The inverse of a log-normal cost is log-normal."""
    z = sobol_normal(4096, 1, rng=rng)
    found = log_inverse_cost(
        np.array([[1.2]]), np.array([[0.8]]), z, memoised=memoised(0), epsilon=1.0
    )
    assert np.exp(found[0]) == pytest.approx(lognorm.mean(0.8, scale=np.exp(-1.2)), rel=1e-3)


def test_a_shared_draw_inflates_the_mean(rng):
    """As the public code draws; by 36 % at deviations of .7 over three equal stages."""
    mu, sd, z = np.zeros((3, 1)), np.full((3, 1), 0.7), sobol_normal(4096, 3, rng=rng)
    own, shared = (
        log_inverse_cost(mu, sd, z, memoised=memoised(0), epsilon=1.0, shared_draw=switch)[0]
        for switch in (False, True)
    )
    assert np.exp(shared) == pytest.approx(np.exp(0.7**2 / 2) / 3, rel=1e-2)
    assert 0.25 < np.exp(shared - own) - 1.0 < 0.45


@given(
    st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 1.5), min_size=3, max_size=3),
    st.floats(1e-3, 1e-2),
)
def test_more_cached_stages_are_worth_more(mu, sd, epsilon):
    stages = np.repeat(np.array(mu)[:, None], 4, axis=1)
    z = np.random.default_rng(0).normal(size=(64, 3)).clip(-1.0, 1.0)
    found = log_inverse_cost(
        stages,
        np.repeat(np.array(sd)[:, None], 4, axis=1),
        z,
        memoised=memoised(0, 1, 2, 3),
        epsilon=epsilon,
    )
    assert np.all(np.diff(found) > 0.0)


@given(st.floats(-400.0, 400.0))
def test_the_unit_of_cost_only_shifts_the_logarithm(shift):
    rng = np.random.default_rng(1)
    mu, sd, z = rng.normal(size=(3, 8)), rng.random((3, 8)), rng.normal(size=(32, 3))
    delta = rng.integers(0, 4, size=8)
    plain = log_inverse_cost(mu, sd, z, memoised=delta, epsilon=0.1)
    shifted = log_inverse_cost(
        mu + shift, sd, z, memoised=delta, epsilon=np.exp(np.log(0.1) + shift)
    )
    np.testing.assert_allclose(shifted, plain - shift, atol=1e-9)


def test_chunks_leave_no_seam(rng):
    mu, sd, z = rng.normal(size=(3, 3000)), rng.random((3, 3000)), rng.normal(size=(64, 3))
    delta = rng.integers(0, 4, size=3000)
    found = log_inverse_cost(mu, sd, z, memoised=delta, epsilon=0.1)
    for c in (0, 511, 512, 2999):
        costs = np.exp(mu[:, c] + sd[:, c] * z)[:, delta[c] :].sum(axis=1) + 0.1 * delta[c]
        assert found[c] == pytest.approx(np.log(np.mean(1 / costs)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sd": np.ones((2, 3))}, "do not fit"),
        ({"z": np.ones((4, 3))}, "do not fit"),
        ({"memoised": memoised(0)}, "memoised"),
        ({"epsilon": 0.0}, "cost something"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    given_arguments = {
        "mu": np.ones((2, 2)),
        "sd": np.ones((2, 2)),
        "z": np.ones((4, 2)),
        "memoised": memoised(0, 0),
        "epsilon": 0.1,
        **wrong,
    }
    arrays = [given_arguments.pop(name) for name in ("mu", "sd", "z")]
    with pytest.raises(ValueError, match=message):
        log_inverse_cost(*arrays, **given_arguments)


def test_with_eta_one_it_is_improvement_per_cost_and_with_zero_improvement():
    gain = log_expected_improvement(np.array([0.0, 0.5]), 1.0, best=0.0).value
    inverse = -np.log(np.array([10.0, 1.0]))
    np.testing.assert_allclose(log_acquisition(gain, inverse, eta=0.0), gain)
    np.testing.assert_allclose(
        np.exp(log_acquisition(gain, inverse, eta=1.0)), np.exp(gain) / [10.0, 1.0]
    )


def test_gain_and_spend_are_taken_from_the_same_samples():
    """Two candidates with equal means of gain and of spend; one gains only where it is cheap."""
    gain = np.array([[1.0, 1.0], [0.0, 0.0]])
    spend = np.array([[1.0, 4.0], [4.0, 1.0]])
    found = np.exp(log_gain_per_spend(gain, spend, eta=1.0))
    np.testing.assert_allclose(found, [0.5, 0.125])
    np.testing.assert_allclose(np.exp(log_gain_per_spend(gain, spend, eta=0.5)), [0.5, 0.25])
    np.testing.assert_allclose(np.exp(log_gain_per_spend(gain, spend, eta=0.0)), [0.5, 0.5])


@given(st.floats(0.0, 1.0), st.floats(1.0, 100.0))
def test_it_falls_as_spend_rises(eta, factor):
    rng = np.random.default_rng(2)
    gain, spend = rng.random((16, 3)), rng.lognormal(size=(16, 3))
    cheap = log_gain_per_spend(gain, spend, eta=eta)
    dear = log_gain_per_spend(gain, factor * spend, eta=eta)
    np.testing.assert_allclose(cheap - dear, eta * np.log(factor), atol=1e-9)


def test_no_gain_at_all_is_minus_infinity_and_smoothed_it_is_not(rng):
    boxes = FrontBoxes.of(np.array([[0.0, 0.0]]), np.array([1.0, 1.0]))
    samples = np.stack([np.full((8, 2), offset) for offset in (0.3, 0.1, 0.2)], axis=1)
    plain = boxes.improvement(samples)
    spend = np.ones((8, 3))
    assert np.all(np.isneginf(log_gain_per_spend(plain, spend, eta=1.0)))
    found = log_gain_per_spend(boxes.smoothed(samples, plain), spend, eta=1.0)
    assert np.argsort(-found).tolist() == [1, 2, 0]


def test_one_objective_independent_of_cost_is_eeipu(rng):
    """The mean of gain per spend over joint samples is EI times the mean of the inverse cost."""
    draws = sobol_normal(1 << 14, 4, rng=rng)
    mean, sd, best = np.array([0.2, -0.3]), np.array([0.5, 0.8]), 0.1
    mu, deviation = rng.normal(size=(3, 2)), np.full((3, 2), 0.5)
    delta = memoised(0, 2)
    samples = mean + sd * draws[:, :1]
    costs = np.exp(mu + deviation * draws[:, 1:, None])
    spend = np.stack([costs[:, :, 0].sum(1), 2 * 0.05 + costs[:, 2, 1]], axis=1)
    gain = FrontBoxes.of(np.array([[best]]), np.array([best + 1.0])).improvement(samples[..., None])
    expected = log_acquisition(
        log_expected_improvement(mean, sd, best=best).value,
        log_inverse_cost(mu, deviation, draws[:, 1:], memoised=delta, epsilon=0.05),
        eta=1.0,
    )
    np.testing.assert_allclose(log_gain_per_spend(gain, spend, eta=1.0), expected, atol=0.01)
