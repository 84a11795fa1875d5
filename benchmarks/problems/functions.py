"""Classical test functions, each scaled so that its minimum is 0 and its median 1.

Functions with steep walls are compressed by log(1 + f - min f). X is (n, d).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A function on the unit cube.

    Attributes:
        raw: From native coordinates (n, d) to values (n,).
        low: Lower bounds (d,).
        high: Upper bounds (d,).
        minimiser: One of its minimisers in native coordinates (d,).
        steep: Whether it is compressed.
        median: Of the excess over the minimum, over a fixed sample of the cube.
    """

    raw: Callable[[Array], Array]
    low: Array
    high: Array
    minimiser: Array
    steep: bool
    median: float = 1.0

    @property
    def dimensions(self) -> int:
        """d."""
        return len(self.low)

    @property
    def best_unit(self) -> Array:
        """The minimiser in unit coordinates (d,)."""
        return (self.minimiser - self.low) / (self.high - self.low)

    def __call__(self, X: Array) -> Array:
        """Values (n,) at unit coordinates (n, d)."""
        native = self.low + np.asarray(X, dtype=float) * (self.high - self.low)
        excess = np.maximum(self.raw(native) - self.raw(self.minimiser[None])[0], 0.0)
        return (np.log1p(excess) if self.steep else excess) / self.median


def scaled(
    raw: Callable[[Array], Array],
    *,
    bounds: Sequence[tuple[float, float]],
    minimiser: Sequence[float],
    steep: bool = False,
) -> Scaled:
    """A function with its median measured."""
    low, high = np.asarray(bounds, dtype=float).T
    unscaled = Scaled(
        raw=raw, low=low, high=high, minimiser=np.asarray(minimiser, dtype=float), steep=steep
    )
    sample = np.random.default_rng(0).random((4096, len(low)))
    return Scaled(
        raw=raw,
        low=low,
        high=high,
        minimiser=unscaled.minimiser,
        steep=steep,
        median=float(np.median(unscaled(sample))),
    )


def branin(X: Array) -> Array:
    """Three global minima, .397887."""
    x, y = X.T
    bend = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def beale(X: Array) -> Array:
    """One minimum, 0, at (3, .5); walls up to 1e5."""
    x, y = X.T
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def ackley(X: Array) -> Array:
    """Many local minima around the one at 0."""
    bowl = -20 * np.exp(-0.2 * np.sqrt(np.mean(X**2, axis=1)))
    return bowl - np.exp(np.mean(np.cos(2 * np.pi * X), axis=1)) + 20 + np.e


def rosenbrock(X: Array) -> Array:
    """A curved valley to (1, ..., 1)."""
    return np.sum(100 * (X[:, 1:] - X[:, :-1] ** 2) ** 2 + (1 - X[:, :-1]) ** 2, axis=1)


def styblinski_tang(X: Array) -> Array:
    """2^d minima of unequal depth."""
    return 0.5 * np.sum(X**4 - 16 * X**2 + 5 * X, axis=1)


_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_WIDTHS = np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]])
_CENTRES = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)


def hartmann3(X: Array) -> Array:
    """Four wells in three dimensions, the deepest -3.86278."""
    distances = np.sum(_WIDTHS * (X[:, None, :] - _CENTRES) ** 2, axis=2)
    return -np.exp(-distances) @ _HEIGHTS


def functions() -> dict[str, Scaled]:
    """All of them by name."""
    return {
        "branin": scaled(branin, bounds=[(-5, 10), (0, 15)], minimiser=[np.pi, 2.275]),
        "beale": scaled(beale, bounds=[(-4.5, 4.5)] * 2, minimiser=[3, 0.5], steep=True),
        "ackley3": scaled(ackley, bounds=[(-5, 5)] * 3, minimiser=[0, 0, 0]),
        "rosenbrock": scaled(rosenbrock, bounds=[(-2, 2)] * 2, minimiser=[1, 1], steep=True),
        "styblinski": scaled(styblinski_tang, bounds=[(-5, 5)] * 2, minimiser=[-2.903534] * 2),
        "hartmann3": scaled(
            hartmann3, bounds=[(0, 1)] * 3, minimiser=[0.114614, 0.555649, 0.852547]
        ),
    }
