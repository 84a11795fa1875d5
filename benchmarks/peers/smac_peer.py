"""SMAC's facade for hyper-parameters: random forest, log EI; ParEGO for several objectives."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from smac import HyperparameterOptimizationFacade, Scenario
from smac.multi_objective.parego import ParEGO
from smac.runhistory import StatusType, TrialInfo, TrialValue

from benchmarks.peers.config_space import config_space, configuration, plain
from benchmarks.peers.flat import Flat, FlatSpace

LARGE = 100_000
STARTUP = 10


class SmacLibrary:
    """The facade as its authors set it up: among others, trained again every eight trials.

    It starts with ten Sobol points, less those that were told before it is asked.
    """

    def __init__(self, *, flat: FlatSpace, objectives: int, seed: int) -> None:
        self._space = config_space(flat, seed=seed)
        self._objectives = objectives
        self._folder = tempfile.TemporaryDirectory()
        names = [f"objective{index}" for index in range(objectives)]
        self._scenario = Scenario(
            self._space, deterministic=True, n_trials=LARGE, seed=seed,
            objectives=names if objectives > 1 else names[0],
            output_directory=Path(self._folder.name),
        )  # fmt: skip
        self._parego = ParEGO(self._scenario) if objectives > 1 else None
        self._early: list[tuple[TrialInfo, TrialValue]] = []

    @cached_property
    def _smac(self) -> HyperparameterOptimizationFacade:
        facade = HyperparameterOptimizationFacade
        startup = max(0, STARTUP - len(self._early))
        smac = facade(
            self._scenario,
            target_function=_not_called,
            initial_design=facade.get_initial_design(self._scenario, n_configs=startup),
            multi_objective_algorithm=self._parego,
            overwrite=True,
            logging_level=logging.CRITICAL,
        )
        for info, value in self._early:
            smac.tell(info, value, save=False)
        return smac

    def ask(self) -> tuple[Flat, object]:
        """The next trial of the intensifier."""
        info = self._smac.ask()
        return plain(dict(info.config)), info

    def tell(self, flat: Flat, values: Sequence[float] | None, *, asked: object | None) -> None:
        """The trial's cost; a failed one has crashed."""
        value = self._value(values)
        if isinstance(asked, TrialInfo):
            self._smac.tell(asked, value, save=False)
            return
        info = TrialInfo(config=configuration(self._space, flat), seed=0)
        if "_smac" in self.__dict__:
            self._smac.tell(info, value, save=False)
        else:
            self._early.append((info, value))

    def _value(self, values: Sequence[float] | None) -> TrialValue:
        status = StatusType.CRASHED if values is None else StatusType.SUCCESS
        costs = [float(LARGE)] * self._objectives if values is None else list(values)
        return TrialValue(cost=costs if self._objectives > 1 else costs[0], status=status)


def _not_called(config: object, seed: int = 0) -> float:
    raise NotImplementedError("trials are asked for and told")
