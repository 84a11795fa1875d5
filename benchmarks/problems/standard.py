"""Ten standard test problems with known optima, minimised, each a pipeline of one stage.

Single-objective: Branin and Hartmann (Dixon & Szego 1978), Ackley, Levy, Rosenbrock and
Styblinski-Tang (Jamil & Yang 2013), and a mixed conditional one of our own. Multi-objective: ZDT1
(Zitzler, Deb & Thiele 2000), DTLZ2 (Deb et al. 2002), vehicle safety (Liao et al. 2008). Natural
coordinates; X is (n, d), values are (n,) or (n, M).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.problems.functions import ackley, branin, rosenbrock, styblinski_tang
from benchmarks.problems.protocol import Declared, ProblemStage, Values

Array = NDArray[np.float64]
STAGE = "evaluate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """A function as a Problem: a second and a dollar an evaluation, whatever the configuration.

    Attributes:
        name: A DNS label.
        parameters: As in a study's manifest.
        evaluate: Objectives of a configuration; metrics f0, f1, ...
        optimum: Least value of a single objective.
        reference: Reference point of the hypervolume, (M,); None for a single objective.
        volume: Hypervolume of the whole front.
    """

    name: str
    parameters: tuple[Mapping[str, Any], ...]
    evaluate: Callable[[Values], tuple[float, ...]]
    optimum: float = math.nan
    reference: tuple[float, ...] | None = None
    volume: float = math.nan

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Of the objectives, in order."""
        return tuple(f"f{index}" for index in range(len(self.reference or (0,))))

    @property
    def declared(self) -> Declared:
        """See `Problem`."""
        names = tuple(str(one["name"]) for one in self.parameters)
        objectives = [{"metric": name, "direction": "Minimize"} for name in self.metric_names]
        return Declared(
            name=self.name,
            parameters=self.parameters,
            stages=[ProblemStage(STAGE, names)],
            objectives=objectives,
        )

    def seconds(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> float:
        """See `Problem`."""
        return 1.0

    def metrics(
        self, stage: str, parameters: Values, *, instance_type: str, fidelity: float
    ) -> Mapping[str, float]:
        """See `Problem`."""
        return dict(zip(self.metric_names, self.evaluate(parameters), strict=True))


_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_WIDTHS = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
                    [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])  # fmt: skip
_CENTRES = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886],
                            [2329, 4135, 8307, 3736, 1004, 9991],
                            [2348, 1451, 3522, 2883, 3047, 6650],
                            [4047, 8828, 8732, 5743, 1091, 381]])  # fmt: skip


def hartmann6(X: Array) -> Array:
    """Six local minima, the deepest -3.32237."""
    distances = np.sum(_WIDTHS * (X[:, None, :] - _CENTRES) ** 2, axis=2)
    return -np.exp(-distances) @ _HEIGHTS


def levy(X: Array) -> Array:
    """Ripples over a valley; least value 0 at 1."""
    w = 1 + (X - 1) / 4
    first, body, last = w[:, 0], w[:, :-1], w[:, -1]
    ripples = np.sum((body - 1) ** 2 * (1 + 10 * np.sin(np.pi * body + 1) ** 2), axis=1)
    end = (last - 1) ** 2 * (1 + np.sin(2 * np.pi * last) ** 2)
    return np.sin(np.pi * first) ** 2 + ripples + end


def zdt1(X: Array) -> Array:
    """Two objectives, a convex front."""
    g = 1 + 9 * np.mean(X[:, 1:], axis=1)
    return np.stack([X[:, 0], g * (1 - np.sqrt(X[:, 0] / g))], axis=1)


def dtlz2(X: Array) -> Array:
    """Two objectives; the front is a quarter of a circle."""
    radius = 1 + np.sum((X[:, 1:] - 0.5) ** 2, axis=1)
    angle = X[:, 0] * np.pi / 2
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def vehicle_safety(X: Array) -> Array:
    """Mass, acceleration and intrusion over five thicknesses: response surfaces of crashes."""
    a, b, c, d, e = X.T
    mass = 1640.2823 + 2.3573285 * a + 2.3220035 * b + 4.5688768 * c + 7.7213633 * d + 4.4559504 * e
    acceleration = (
        6.5856 + 1.15 * a - 1.0427 * b + 0.9738 * c + 0.8364 * d - 0.3695 * a * d
        + 0.0861 * a * e + 0.3628 * b * d - 0.1106 * a**2 - 0.3437 * c**2 + 0.1764 * d**2
    )  # fmt: skip
    intrusion = (
        -0.0551 + 0.0181 * a + 0.1024 * b + 0.0421 * c - 0.0073 * a * b + 0.024 * b * c
        - 0.0118 * b * d - 0.0204 * c * d - 0.008 * c * e - 0.0241 * b**2 + 0.0109 * d**2
    )  # fmt: skip
    return np.stack([mass, acceleration, intrusion], axis=1)


_CLASSIFIER: tuple[Mapping[str, Any], ...] = (
    {"name": "optimizer", "categorical": {"choices": ["adam", "sgd"]}},
    {"name": "lr", "float": {"min": 1e-5, "max": 1.0, "scale": "Log"}},
    {"name": "momentum", "float": {"min": 0.0, "max": 0.99},
     "when": {"parameter": "optimizer", "in": ["sgd"]}},
    {"name": "activation", "categorical": {"choices": ["relu", "gelu", "tanh"]}},
    {"name": "units", "ordinal": {"values": [16, 32, 64, 128, 256, 512]}},
    {"name": "layers", "integer": {"min": 1, "max": 8}},
    {"name": "dropout", "float": {"min": 0.0, "max": 0.8}},
)  # fmt: skip
_ACTIVATION = {"relu": 0.0, "gelu": 0.01, "tanh": 0.03}


def classifier(values: Values) -> tuple[float]:
    """A made-up validation error over logarithmic, whole and ordinal numbers, words, a condition.

    Least value .05 with sgd, relu, lr = .1, momentum = .9, 128 units, 3 layers, dropout .2.
    """
    number = {name: float(x) for name, x in values.items() if not isinstance(x, str)}
    sgd = values["optimizer"] == "sgd"
    rate = math.log10(number["lr"]) + (1.0 if sgd else 2.5)
    size = number["units"] / 128
    error = 0.05 if sgd else 0.08
    error += 0.06 * rate**2 / (1 + 0.3 * rate**2)
    if sgd:
        error += 0.5 * (number["momentum"] - 0.9 + 0.05 * rate) ** 2
    error += _ACTIVATION[str(values["activation"])] + 0.005 * math.log2(size) ** 2
    error += 0.01 * abs(number["layers"] - 3) + 0.4 * (number["dropout"] - 0.2) ** 2 * size**0.5
    return (error,)


def _box(
    name: str,
    function: Callable[[Array], Array],
    bounds: Sequence[tuple[float, float]],
    **known: Any,
) -> Standard:
    names = [f"x{index}" for index in range(len(bounds))]

    def evaluate(values: Values) -> tuple[float, ...]:
        found = function(np.array([[float(values[each]) for each in names]]))
        return tuple(map(float, np.atleast_1d(found[0])))

    parameters = tuple(
        {"name": each, "float": {"min": low, "max": high}}
        for each, (low, high) in zip(names, bounds, strict=True)
    )
    return Standard(name=name, parameters=parameters, evaluate=evaluate, **known)


def standard_problems() -> dict[str, Standard]:
    """The ten, by name. Reference points and volumes as in the literature and in botorch."""
    problems = (
        _box("branin", branin, [(-5, 10), (0, 15)], optimum=0.39788735772973816),
        _box("hartmann6", hartmann6, [(0, 1)] * 6, optimum=-3.32236801141551),
        _box("ackley5", ackley, [(-32.768, 32.768)] * 5, optimum=0.0),
        _box("levy4", levy, [(-10, 10)] * 4, optimum=0.0),
        _box("rosenbrock4", rosenbrock, [(-5, 10)] * 4, optimum=0.0),
        _box("styblinski4", styblinski_tang, [(-5, 5)] * 4, optimum=-39.16616570377142 * 4),
        Standard(name="classifier", parameters=_CLASSIFIER, evaluate=classifier, optimum=0.05),
        _box("zdt1", zdt1, [(0, 1)] * 4, reference=(11.0, 11.0), volume=120 + 2 / 3),
        _box("dtlz2", dtlz2, [(0, 1)] * 4, reference=(1.1, 1.1), volume=1.21 - math.pi / 4),
        _box("vehicle", vehicle_safety, [(1, 3)] * 5, volume=246.81607081187002,
             reference=(1864.72022, 11.81993945, 0.2903999384)),
    )  # fmt: skip
    return {problem.name: problem for problem in problems}
