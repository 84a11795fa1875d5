"""Mean and covariance over tasks, plus a stationary residual: HyperBO's matched case.

With the tasks' values F (m, N) at shared inputs, a new task is f = mean + F w + r: a deviation in
the span of the sources, and a residual r that no source shows. The sample covariance of few tasks
is too sure of itself, and a factor N / (N - 1) does not mend that: after t observations it would
have to be N / (N - 1 - t). So the residual is learnt from how each group of sources looks to the
others (`calibration`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.surrogates.prior.embedding import Embedding, Part
from tuner.surrogates.prior.emulators import Atlas, Reader
from tuner.surrogates.prior.tasks import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """What the tasks' moments leave open, on the shared scale.

    Attributes:
        amplitude: Standard deviation of the stationary residual.
        reach: Its lengthscales over those of the tasks.
        noise: Standard deviation of an observation.
        span: Factor on the tasks' deviations.
    """

    amplitude: float = 0.2
    reach: float = 1.0
    noise: float = 0.03
    span: float = 1.0


class Moments:
    """The prior by moments over tasks.

    Args:
        atlas: The tasks.
        shares: Weight of each task, shape (N,), summing to the number of groups.
        residual: What they leave open.
    """

    def __init__(self, atlas: Atlas, shares: Array, residual: Residual) -> None:
        self.residual = residual
        mean, factor, doubt = moments(atlas.values, atlas.doubt, shares)
        table = np.column_stack([mean, np.sqrt(doubt), residual.span * factor])
        self._read: Reader = atlas.reader(table)

    @property
    def noise(self) -> float:
        """Variance of an observation about the function."""
        return self.residual.noise**2

    def embed(self, X: Array) -> Embedding:
        """What it makes of inputs (n, p)."""
        table = self._read(X)
        amplitude = np.hypot(self.residual.amplitude, np.maximum(table[:, 1], 0.0))
        Z = (X - 0.5) * (self._read.weights / self.residual.reach)
        return Embedding(table[:, 0], table[:, 2:], (Part(Z, amplitude),))


def moments(values: Array, doubt: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Mean (m,), factor (m, N) of the covariance, and mean variance (m,) over weighted tasks.

    The covariance factor factor' is sum_i s_i (f_i - mean)(f_i - mean)' / (G - 1), with shares s_i
    that sum to G: for G = N the sample covariance. It is zero for one group.

    Args:
        values: The tasks' values, shape (m, N).
        doubt: Their variances, shape (m, N).
        shares: Weight of each task, shape (N,).
    """
    total = float(shares.sum())
    mean = values @ shares / total
    spread = np.sqrt(shares / max(total - 1.0, 1.0)) * (total > 1.0 + 1e-9)
    return mean, (values - mean[:, None]) * spread, doubt @ shares / total


def equal_groups(groups: tuple[str, ...]) -> Array:
    """Shares that give every group the weight of one task, shape (N,)."""
    return np.array([1.0 / groups.count(group) for group in groups])
