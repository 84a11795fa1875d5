"""Optuna: GPSampler, TPE, NSGA-II and random, defined by run as its users do."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from benchmarks.peers.flat import Flat, FlatSpace
from tuner.space import Dimension, FloatDomain, IntegerDomain
from tuner.trial import ParameterValue

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", module="optuna")


def _gp(seed: int) -> BaseSampler:
    """Objectives here repeat themselves, so we say so: its default allows for noise."""
    return GPSampler(seed=seed, deterministic_objective=True, warn_independent_sampling=False)


def _tpe(seed: int) -> BaseSampler:
    """Multivariate with groups: its authors' advice for conditional spaces."""
    return TPESampler(seed=seed, multivariate=True, group=True)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "optuna-gp": _gp,
    "optuna-tpe": _tpe,
    "optuna-nsga2": lambda seed: NSGAIISampler(seed=seed),
    "optuna-random": lambda seed: RandomSampler(seed=seed),
}


class OptunaLibrary:
    """A study of optuna's with one of its samplers."""

    def __init__(self, sampler: BaseSampler, *, flat: FlatSpace, objectives: int) -> None:
        self._flat = flat
        self._study = optuna.create_study(sampler=sampler, directions=["minimize"] * objectives)

    def ask(self) -> tuple[Flat, object]:
        """The next trial, parameter by parameter."""
        trial = self._study.ask()
        values: dict[str, ParameterValue] = {}
        for dimension in self._flat.dimensions:
            if dimension.is_active(values):
                values[dimension.name] = _suggest(trial, dimension)
        return values, trial

    def tell(self, flat: Flat, values: Sequence[float] | None, *, asked: object | None) -> None:
        """Completes the trial asked for, or adds one of somebody else."""
        state = TrialState.FAIL if values is None else TrialState.COMPLETE
        if isinstance(asked, optuna.Trial):
            self._study.tell(asked, values, state=state)
            return
        distributions = {each.name: _distribution(each) for each in self._flat.active(flat)}
        trial = create_trial(
            state=state, values=values, params=_legal(flat, distributions),
            distributions=distributions,
        )  # fmt: skip
        self._study.add_trial(trial)


def _suggest(trial: optuna.Trial, dimension: Dimension) -> ParameterValue:
    match _distribution(dimension):
        case FloatDistribution() as given:
            return trial.suggest_float(
                dimension.name, given.low, given.high, log=given.log, step=given.step
            )
        case IntDistribution() as given:
            return trial.suggest_int(
                dimension.name, given.low, given.high, log=given.log, step=given.step
            )
        case CategoricalDistribution() as given:
            return trial.suggest_categorical(dimension.name, given.choices)
        case other:
            raise TypeError(f"no suggestion for {other}")


def _distribution(dimension: Dimension) -> BaseDistribution:
    match dimension.domain:
        case FloatDomain(low=low, high=high, log=log, step=step):
            return FloatDistribution(low, high, log=log and step is None, step=step)
        case IntegerDomain(low=low, high=high, log=log, step=step):
            return IntDistribution(low, high, log=log and step is None, step=step or 1)
        case other:
            return CategoricalDistribution(tuple(other.members()))


def _legal(flat: Flat, distributions: dict[str, BaseDistribution]) -> dict[str, ParameterValue]:
    return {name: flat[name] for name in distributions}
