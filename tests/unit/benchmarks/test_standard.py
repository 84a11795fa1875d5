"""The benchmark's standard problems against botorch's, and their known optima."""

import importlib
import warnings

import numpy as np
import pytest

from benchmarks.problems.manifest import space_of
from benchmarks.problems.standard import classifier, standard_problems

ORACLES = {
    "branin": ("Branin", {}),
    "hartmann6": ("Hartmann", {"dim": 6}),
    "ackley5": ("Ackley", {"dim": 5}),
    "levy4": ("Levy", {"dim": 4}),
    "rosenbrock4": ("Rosenbrock", {"dim": 4}),
    "styblinski4": ("StyblinskiTang", {"dim": 4}),
    "zdt1": ("ZDT1", {"dim": 4, "num_objectives": 2}),
    "dtlz2": ("DTLZ2", {"dim": 4, "num_objectives": 2}),
    "vehicle": ("VehicleSafety", {}),
}


@pytest.fixture(scope="module")
def oracles():
    """botorch's functions by our names; importing it warns of what torch deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        functions = importlib.import_module("botorch.test_functions")
        return {name: getattr(functions, kind)(**sizes) for name, (kind, sizes) in ORACLES.items()}


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_bounds_are_botorchs(name, oracles):
    problem, oracle = standard_problems()[name], oracles[name]
    space = space_of(problem)
    bounds = [(one["float"]["min"], one["float"]["max"]) for one in problem.parameters]
    assert np.allclose(bounds, oracle.bounds.T.numpy())
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = space.sample(rng)
        point = oracle.bounds.new_tensor([list(values.values())]).double()
        expected = oracle.evaluate_true(point).numpy().ravel()
        assert problem.evaluate(values) == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", ["branin", "hartmann6", "ackley5", "levy4", "rosenbrock4"])
def test_optimum_is_botorchs(name, oracles):
    problem = standard_problems()[name]
    assert problem.optimum == pytest.approx(oracles[name].optimal_value, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("name", ["zdt1", "dtlz2", "vehicle"])
def test_reference_point_and_volume_are_botorchs(name, oracles):
    problem, oracle = standard_problems()[name], oracles[name]
    assert problem.reference == pytest.approx(oracle.ref_point.tolist())
    assert problem.volume == pytest.approx(oracle.max_hv, rel=1e-6)


def test_nothing_beats_the_made_up_classifier():
    best = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "activation": "relu", "units": 128,
            "layers": 3, "dropout": 0.2}  # fmt: skip
    assert classifier(best)[0] == pytest.approx(0.05)
    space, rng = space_of(standard_problems()["classifier"]), np.random.default_rng(0)
    assert min(classifier(space.sample(rng))[0] for _ in range(5000)) > 0.05
