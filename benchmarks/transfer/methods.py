"""The methods by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.transfer import baselines, own, syne_tune_peers
from benchmarks.transfer.case import Case

OURS = "ours"
PORTFOLIO = "portfolio"
GP_EI = "GP-LogEI"


@dataclass(frozen=True, slots=True)
class Method:
    """How a method chooses.

    Attributes:
        search: Fifty rows of a case.
        seeds: At most so many runs; 1 where nothing is random.
        transfer: Whether it learns from the sources.
        only: The collections it is run on; None for all.
    """

    search: Callable[[Case, np.random.Generator], list[int]]
    seeds: int = 1
    transfer: bool = True
    only: str | None = None


METHODS: dict[str, Method] = {
    OURS: Method(own.ours),
    PORTFOLIO: Method(own.portfolio),
    "portfolio + GP-LogEI": Method(baselines.portfolio_gp_ei),
    "mean rank": Method(baselines.mean_rank),
    "sample mean + covariance": Method(baselines.sample_moments),
    "HyperBO (network alone)": Method(own.hyperbo),
    "RGPE": Method(baselines.rgpe, seeds=2),
    "copula CTS": Method(baselines.copula_cts, seeds=3),
    "syne-tune CTS": Method(syne_tune_peers.cts, only="LCBench"),
    "syne-tune ZeroShot": Method(syne_tune_peers.zero_shot, only="LCBench"),
    GP_EI: Method(baselines.gp_ei, seeds=3, transfer=False),
    "optuna GPSampler": Method(
        baselines.optuna_sampler("gp"), seeds=1, transfer=False, only="LCBench"
    ),
    "optuna TPE": Method(baselines.optuna_sampler("tpe"), seeds=3, transfer=False),
    "random": Method(baselines.random, seeds=5, transfer=False),
    "ours: moments only": Method(own.moments),
    "ours: no portfolio": Method(own.without_portfolio),
}
