"""What earlier studies teach a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.errors import SurrogateError
from tuner.surrogates.checks import finite
from tuner.surrogates.features import FeatureMap, Inputs
from tuner.surrogates.points import Points
from tuner.surrogates.prior.output import OutputPrior, PriorPredictor
from tuner.surrogates.prior.tasks import Array

VERSION = 6
"""Changes whenever training or the stored form does."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """A portfolio to begin with, and a prior for each output that earlier studies know.

    Attributes:
        key: SHA-256 of what it was trained on, in hexadecimal digits.
        groups: Lengthscale group of each input column, shape (p,).
        outputs: By metric, and by `stage_seconds` of a stage.
        points: The portfolio, best first, in the new study's space.
        seen: Configurations of earlier studies in the new one's space, good or far apart.
        types: Features of further instance types that the earlier studies used, by name.
        studies: Names of the studies it was trained on.
    """

    key: str
    groups: NDArray[np.intp]
    outputs: Mapping[str, OutputPrior]
    points: Points
    seen: Points
    types: Mapping[str, Mapping[str, float]]
    studies: tuple[str, ...]

    def portfolio(self, *, worker: int = 0, workers: int = 1) -> Points:
        """The configurations to try first; of W workers each has every W-th."""
        return self.points[worker::workers]

    def inputs(self, features: FeatureMap, *, fidelity: bool) -> Inputs:
        """What its outputs depend on, for points of the new study.

        Args:
            features: The new study's, as `pretrain` was given them.
            fidelity: Likewise.
        """
        return features.widened(self.types).columns(fidelity=fidelity)

    @property
    def sources(self) -> int:
        """How many groups of earlier studies tell of the output that most of them tell of."""
        return max(len(set(one.task_groups)) for one in self.outputs.values())

    def predictor(self, name: str, X: Array, y: Array) -> PriorPredictor | None:
        """What to expect of an output, given what the new study showed.

        Args:
            name: A metric, or `stage_seconds` of a stage.
            X: As `inputs` makes them, shape (n, p); n may be 0.
            y: Values to minimise in their own units, shape (n,): negated if maximised; natural
                logarithms of seconds.

        Returns:
            None where no earlier study knows the output.

        Raises:
            SurrogateError: Inputs of another shape, or values that are not finite.
        """
        output = self.outputs.get(name)
        if output is None:
            return None
        if X.ndim != 2 or X.shape[1] != len(self.groups):
            raise SurrogateError(f"expected {len(self.groups)} columns, got shape {X.shape}")
        if len(y):
            X, y = finite(X, y)
        return output.predictor(X, y, self.groups)


def describe(prior: Prior) -> dict[str, object]:
    """What a prior holds, as JSON values."""
    return {
        "version": VERSION,
        "key": prior.key,
        "studies": list(prior.studies),
        "columns": len(prior.groups),
        "portfolio": len(prior.points),
        "foreign types": sorted(prior.types),
        "tasks": {name: list(output.tasks) for name, output in prior.outputs.items()},
        "groups": {name: len(set(output.task_groups)) for name, output in prior.outputs.items()},
        "network": sorted(name for name, one in prior.outputs.items() if one.network is not None),
    }
