import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from tuner.acquisition import expected_improvement, log_expected_improvement

numbers = st.floats(-5.0, 5.0)
deviations = st.floats(0.05, 5.0)


@pytest.mark.parametrize(
    ("mean", "sd", "best"), [(0.0, 1.0, 0.0), (1.5, 0.5, 1.0), (-2.0, 3.0, 1.0), (4.0, 0.7, 0.0)]
)
def test_it_is_the_integral_over_all_that_is_better(mean, sd, best):
    def integrand(value):
        density = math.exp(-0.5 * ((value - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        return (best - value) * density

    integral, _ = quad(integrand, -np.inf, best, epsabs=0.0, epsrel=1e-10)
    assert expected_improvement(mean, sd, best=best) == pytest.approx(integral, rel=1e-8)
    value = log_expected_improvement(mean, sd, best=best).value
    assert value == pytest.approx(math.log(integral), abs=1e-8)


@given(mean=numbers, sd=deviations, best=numbers)
def test_the_derivatives_are_those_of_finite_differences(mean, sd, best):
    def value(mean, sd):
        return float(log_expected_improvement(mean, sd, best=best).value)

    exact = log_expected_improvement(mean, sd, best=best)
    step = 1e-5 * sd
    by_mean = (value(mean + step, sd) - value(mean - step, sd)) / (2 * step)
    by_sd = (value(mean, sd + step) - value(mean, sd - step)) / (2 * step)
    assert float(exact.by_mean) == pytest.approx(by_mean, rel=1e-4, abs=1e-6)
    assert float(exact.by_sd) == pytest.approx(by_sd, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("far", [1.0, 5.0, 39.999, 40.001, 1e3, 1e6, 1e8])
def test_in_the_tail_it_follows_the_integral_of_mills_ratio(far):
    """log h(-t) = log phi(t) + log of the integral of u exp(-t u - u^2 / 2) over u > 0."""
    factor, _ = quad(
        lambda v: v * math.exp(-v - 0.5 * (v / far) ** 2), 0.0, 200.0, epsabs=0.0, epsrel=1e-12
    )
    expected = -0.5 * far**2 - 0.5 * math.log(2 * math.pi) + math.log(factor / far**2)
    found = log_expected_improvement(far, 1.0, best=0.0)
    assert float(found.value) == pytest.approx(expected, rel=1e-12, abs=1e-10)
    assert float(found.by_mean) == pytest.approx(-far, rel=2.5 / far)
    assert float(found.by_sd) == pytest.approx(far**2, rel=4 / far)


def test_the_two_forms_of_the_tail_meet():
    """Across the switch log h moves by its slope and no more."""
    sides = log_expected_improvement(np.array([40 - 1e-9, 40 + 1e-9]), 1.0, best=0.0)
    moved = sides.value[1] - sides.value[0]
    assert moved == pytest.approx(2e-9 * sides.by_mean.mean(), rel=1e-2)
    assert sides.by_sd[1] == pytest.approx(sides.by_sd[0], rel=1e-9)


def test_botorch_agrees_far_into_the_tail(oracle):
    import torch
    from botorch.acquisition import ExpectedImprovement, LogExpectedImprovement
    from botorch.utils.testing import MockModel, MockPosterior

    z = np.concatenate([np.linspace(-40, 10, 101), [-1e3, -1e5, -1e8]])
    mean = torch.tensor(-z, requires_grad=True)
    sd = torch.full((len(z),), 0.7, dtype=torch.float64, requires_grad=True)
    posterior = MockPosterior(mean=mean[:, None, None], variance=(sd**2)[:, None, None])
    best = torch.tensor(0.3, dtype=torch.float64)
    x = torch.zeros(len(z), 1, 1, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of itself: ExpectedImprovement is not precise
        logarithmic = LogExpectedImprovement(MockModel(posterior), best_f=best, maximize=False)(x)
        plain = ExpectedImprovement(MockModel(posterior), best_f=best, maximize=False)(x)
    logarithmic.sum().backward()
    found = log_expected_improvement(-z, 0.7, best=0.3)
    np.testing.assert_allclose(found.value, logarithmic.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(found.by_mean, mean.grad.numpy(), rtol=1e-5)
    np.testing.assert_allclose(found.by_sd, sd.grad.numpy(), rtol=1e-5, atol=1e-14)
    likely = z > -4
    np.testing.assert_allclose(
        expected_improvement(-z, 0.7, best=0.3)[likely], plain.detach().numpy()[likely], rtol=1e-9
    )


def test_a_certain_prediction_is_worth_what_it_says():
    found = expected_improvement([1.0, 2.0, 3.0], 0.0, best=2.0)
    np.testing.assert_allclose(found, [1.0, 0.0, 0.0], atol=1e-100)


@given(mean=numbers, sd=deviations, best=numbers, unit=st.floats(1e-6, 1e6))
def test_the_unit_of_the_objective_only_shifts_the_logarithm(mean, sd, best, unit):
    plain = log_expected_improvement(mean, sd, best=best).value
    scaled = log_expected_improvement(unit * mean, unit * sd, best=unit * best).value
    assert float(scaled - plain) == pytest.approx(math.log(unit), abs=1e-6)
