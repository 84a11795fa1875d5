"""Pre-training of the network: so many iterations of L-BFGS, the same under the same seed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from tuner.surrogates.prior.network import Network
from tuner.surrogates.prior.objective import Batch, loss
from tuner.surrogates.prior.tasks import Array, SourceTask

WIDTHS = (8, 8)
POINTS = 64
"""At most so many points of each task, drawn once."""

ITERATIONS = 120
TASKS = 32
"""At most so many tasks, the ones with most trials."""

LEAST_TASKS = 3
"""Fewer tasks say too little about what tasks have in common."""

_BOUNDS = 12.0
_REJECTED = 1e12
_LEAST_LOG_SCALES = math.log(0.05), math.log(0.01)
"""Of the residual and the noise."""
_LOG_SCALES = math.log(0.5), math.log(0.2), math.log(0.05)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a network's parameters lie in one vector.

    Attributes:
        columns: Input columns.
        widths: Of the hidden layers.
    """

    columns: int
    widths: tuple[int, ...] = WIDTHS

    @property
    def layers(self) -> list[tuple[int, int]]:
        """The shape of each layer's weights, the bias last."""
        fans = (self.columns, *self.widths[:-1])
        return [(width, fan + 1) for width, fan in zip(self.widths, fans, strict=True)]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return sum(a * b for a, b in self.layers) + self.widths[-1] + 1 + 3 + self.columns

    def pack(self, network: Network) -> Array:
        """The parameters as a vector."""
        scales = [network.log_amplitude, network.log_residual, network.log_noise]
        layers = [layer.ravel() for layer in network.layers]
        return np.concatenate([*layers, network.readout, scales, network.log_lengthscales])

    def unpack(self, vector: Array) -> Network:
        """The network whose parameters the vector holds."""
        layers, at = [], 0
        for rows, columns in self.layers:
            layers.append(vector[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        readout, at = vector[at : at + self.widths[-1] + 1], at + self.widths[-1] + 1
        amplitude, residual, noise = (float(each) for each in vector[at : at + 3])
        return Network(
            layers=tuple(layers),
            readout=readout,
            log_amplitude=amplitude,
            log_residual=residual,
            log_lengthscales=vector[at + 3 :],
            log_noise=noise,
        )

    def bounds(self, start: Array) -> tuple[Array, Array]:
        """Of each parameter; few tasks would have residual and noise vanish."""
        low, high = start - _BOUNDS, start + _BOUNDS
        residual = self.size - self.columns - 2
        low[residual : residual + 2] = _LEAST_LOG_SCALES
        return low, high

    def initial(self, weights: Array, rng: np.random.Generator) -> Array:
        """A start: random layers, the scales' defaults, the tasks' lengthscales."""
        layers = tuple(
            np.column_stack([rng.normal(0.0, fan**-0.5, (rows, fan - 1)), np.zeros(rows)])
            for rows, fan in self.layers
        )
        amplitude, residual, noise = _LOG_SCALES
        return self.pack(
            Network(
                layers=layers,
                readout=np.append(np.zeros(self.widths[-1]), 0.5),
                log_amplitude=amplitude,
                log_residual=residual,
                log_lengthscales=np.log(math.sqrt(5.0) / weights),
                log_noise=noise,
            )
        )


def train(
    tasks: Sequence[SourceTask],
    z: Sequence[Array],
    weights: Array,
    *,
    seed: int,
    iterations: int = ITERATIONS,
) -> Network | None:
    """The network that makes the tasks most probable, under a weak prior on its weights.

    Args:
        tasks: The sources.
        z: Their values on the shared scale, shape (n_i,) each.
        weights: sqrt(5) over each column's lengthscale to start from, shape (p,).
        seed: Of the start and of the points that are drawn.
        iterations: Of L-BFGS.

    Returns:
        None where there are fewer than `LEAST_TASKS` groups.
    """
    if len({task.group for task in tasks}) < LEAST_TASKS or not len(weights):
        return None
    rng = np.random.default_rng(seed)
    batches = list(_batches(tasks, z, rng))
    shape = Shape(len(weights))
    start = shape.initial(weights, rng)

    def objective(vector: Array) -> tuple[float, Array]:
        value, gradient = 0.0, np.zeros(len(vector))
        network = shape.unpack(vector)
        for batch in batches:
            found = loss(network, batch)
            if found is None or not math.isfinite(found[0]):
                return _REJECTED, np.zeros(len(vector))
            value += batch.share * found[0]
            gradient += batch.share * shape.pack(found[1])
        change = vector - start
        return value + 0.5 * float(change @ change), gradient + change

    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(*shape.bounds(start), strict=True)),
        options={"maxiter": iterations, "maxfun": 2 * iterations},
    )
    return shape.unpack(np.asarray(found.x)) if np.isfinite(found.x).all() else None


def _batches(
    tasks: Sequence[SourceTask], z: Sequence[Array], rng: np.random.Generator
) -> Iterator[Batch]:
    """Tasks with the same inputs together, each other one alone; at most `POINTS` points each."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for index, task in enumerate(tasks[:TASKS]):
        alike[task.X.tobytes()].append(index)
    for indices in alike.values():
        X = tasks[indices[0]].X
        rows = np.sort(rng.permutation(len(X))[:POINTS])
        yield Batch.of(X[rows], np.column_stack([z[index][rows] for index in indices]))
