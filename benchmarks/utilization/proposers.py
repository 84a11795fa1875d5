"""Who proposes: ours and deephyper's, a worker for each place or a manager, and random draws."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.problems.manifest import Budget, choices_of, instance_types_of, space_of, spec_of
from benchmarks.problems.standard import Standard
from benchmarks.utilization.race import Proposer
from tuner.searchers import History, Suggestion, make_searcher
from tuner.searchers.joint import Configuration, JointSpace
from tuner.searchers.proposed import suggestion
from tuner.trial import ParameterValue

KAPPA = 1.96
"""Mean of the workers' exploration, drawn from an exponential distribution: the authors' value."""


def ours(problem: Standard, *, kind: str, workers: int, seed: int) -> list[Proposer]:
    """The product's searchers. What is fitted on the log is the same for all: fitted once here."""
    made = [
        make_searcher(
            spec_of(problem, budget=Budget(trials=100_000), seed=seed, searcher={
                "type": kind, "seed": seed,
            }),
            space=space_of(problem),
            choices=choices_of(problem),
            instance_types={one.metadata.name: one.spec for one in instance_types_of(problem)},
            worker=worker,
            workers=workers,
        )
        for worker in range(workers)
    ]  # fmt: skip
    for one in made[1:] if kind != "Random" else ():
        one.engine.reader, one.engine.models = made[0].engine.reader, made[0].engine.models
    return list(made)


def deephyper(
    problem: Standard, *, workers: int, seed: int, manager: bool = False
) -> list[Proposer]:
    """DeepHyper's CBO, one a worker with its own kappa, or one manager with its default."""
    rng = np.random.default_rng(seed)
    joint = JointSpace(space_of(problem), choices_of(problem))
    return [
        DeepHyper(
            joint=joint,
            seed=int(rng.integers(2**31)),
            kappa=None if manager else float(rng.exponential(KAPPA)),
        )
        for _ in range(1 if manager else workers)
    ]


@dataclass
class DeepHyper:
    """One CBO that is told everybody's results in batches, as its storage hands them out.

    Attributes:
        joint: Where it searches.
        seed: Its own.
        kappa: Its exploration; None for the library's default, with its liar for what runs.
    """

    joint: JointSpace
    seed: int
    kappa: float | None
    _told: int = 0
    _search: object = field(init=False)

    def __post_init__(self) -> None:
        from deephyper.hpo import CBO, HpProblem

        from benchmarks.peers.config_space import config_space
        from benchmarks.peers.flat import FlatSpace

        self._folder = tempfile.TemporaryDirectory()
        # As in the published runs the best of 10,000 drawn candidates: the library's default, a
        # genetic search, takes three times as long.
        more: dict[str, object] = {"acq_optimizer": "sampling"}
        if self.kappa is not None:
            more["acq_func_kwargs"] = {"kappa": self.kappa}
        self._search = CBO(
            HpProblem(config_space(FlatSpace(self.joint), seed=self.seed)),
            random_state=self.seed, log_dir=self._folder.name, n_initial_points=10,
            checkpoint_history_to_csv=False, **more,
        )  # fmt: skip

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """Tells what is new, asks for one."""
        fresh = history.observations[self._told :]
        if fresh:
            parameters: Mapping[str, Mapping[str, ParameterValue]] = {
                trial.name: trial.parameters for trial in history.trials
            }
            told = [(dict(parameters[one.trial]), -one.metrics["f0"]) for one in fresh]
            self._search.tell(told)  # type: ignore[attr-defined]
            self._told += len(fresh)
        asked = self._search.ask(1)[0]  # type: ignore[attr-defined]
        point = {name: float(value) for name, value in asked.items()}
        types = tuple(group.types[0] for group in self.joint.choices.groups)
        configuration = Configuration(self.joint.space.cast(point), types)
        return suggestion(self.joint, configuration, why={"searcher": "deephyper"})
