"""Plain botorch: what its tutorials show, with the library's defaults."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.model import Model
from botorch.optim import optimize_acqf
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import ExactMarginalLogLikelihood, SumMarginalLogLikelihood
from scipy.stats.qmc import Sobol
from torch import Tensor

from benchmarks.peers.flat import Flat, FlatSpace, Relaxed

warnings.filterwarnings("ignore", module="botorch|gpytorch|linear_operator")
RESTARTS, RAW_SAMPLES = 10, 512


class BotorchLibrary:
    """One SingleTaskGP an objective; LogEI for one objective, qLogNEHVI for several.

    Words are one-hot and relaxed, the optimum is rounded. Pending points go in as X_pending. Ten
    Sobol points to start with. The reference point is inferred by the library's own rule.
    """

    def __init__(self, *, flat: FlatSpace, seed: int, startup: int = 10) -> None:
        self._relaxed = Relaxed(flat)
        self._startup = startup
        self._sobol = Sobol(len(self._relaxed), rng=seed)
        self._seed = seed
        self._x: list[np.ndarray] = []
        self._y: list[Sequence[float]] = []
        self._pending: list[np.ndarray] = []

    def ask(self) -> tuple[Flat, object]:
        """The maximiser of the acquisition, rounded."""
        torch.manual_seed(self._seed + len(self._y) + 1000 * len(self._pending))
        point = self._sobol.random(1)[0] if len(self._y) < self._startup else self._best()
        flat = self._relaxed.decode(point)
        asked = self._relaxed.encode(flat)
        self._pending.append(asked)
        return flat, asked

    def tell(self, flat: Flat, values: Sequence[float] | None, *, asked: object | None) -> None:
        """Keeps the point; a failed one is only no longer pending."""
        self._pending = [each for each in self._pending if each is not asked]
        if values is not None:
            self._x.append(self._relaxed.encode(flat))
            self._y.append(tuple(values))

    def _best(self) -> np.ndarray:
        x, y = torch.tensor(np.array(self._x)), -torch.tensor(np.array(self._y))
        bounds = torch.stack([torch.zeros(x.shape[1]), torch.ones(x.shape[1])]).to(x)
        acquisition = self._acquisition(fitted(x, y), x, y)
        point, _ = optimize_acqf(
            acquisition, bounds, q=1, num_restarts=RESTARTS, raw_samples=RAW_SAMPLES
        )
        return point[0].numpy()

    def _acquisition(self, model: Model, x: Tensor, y: Tensor) -> AcquisitionFunction:
        pending = torch.tensor(np.array(self._pending)) if self._pending else None
        if y.shape[1] > 1:
            front = y[is_non_dominated(y)]
            return qLogNoisyExpectedHypervolumeImprovement(
                model, infer_reference_point(front), x, prune_baseline=True, X_pending=pending
            )
        if pending is not None:
            return qLogNoisyExpectedImprovement(model, x, X_pending=pending, prune_baseline=True)
        return LogExpectedImprovement(model, best_f=y.max())


def fitted(x: Tensor, y: Tensor) -> Model:
    """Independent GPs, one a column of y, fitted by marginal likelihood."""
    models = [SingleTaskGP(x, column[:, None]) for column in y.T]
    if len(models) == 1:
        fit_gpytorch_mll(ExactMarginalLogLikelihood(models[0].likelihood, models[0]))
        return models[0]
    together = ModelListGP(*models)
    fit_gpytorch_mll(SumMarginalLogLikelihood(together.likelihood, together))
    return together
