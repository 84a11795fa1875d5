"""A whole study in virtual time: real workers, searchers, admission, rungs, verdicts and log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.artifacts import ArtifactStore
from tuner.backends.managed import ManagedBackend
from tuner.backends.planner import Planner
from tuner.backends.simulated import Blackbox, MemoryStore, SimulatedRunner, VirtualClock
from tuner.backends.simulated.blackbox import FaultPlan
from tuner.backends.simulated.life import RESTORE_SECONDS
from tuner.backends.view import LogView
from tuner.hardware import resolve
from tuner.log import StudyLog
from tuner.pipeline import StudyIdentity
from tuner.searchers import SearcherFactory, StoredStages, make_searcher
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.study.ends import End
from tuner.study.terms import terms_of
from tuner.worker.loop import Demand, Worker, WorkerSettings
from tuner.worker.promoting import Promoter

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior

LONG_SECONDS = 3600.0


class World:
    """What outlives a crash of workers and controller: store, clock, and running attempts.

    Args:
        spec: The study's spec.
        instance_types: All that its trials may use.
        blackbox: How long stages take and what they report.
        study: Which study.
        workers: How many workers propose.
        clock: Virtual.
        store: On the same clock; by default in memory.
        faults: Which attempts are killed, and when.
        searcher_factory: Makes the workers' searchers; by default the one that the spec asks for.
        prior: What earlier studies taught.
        stored: Asks the stage cache.
        restore_seconds: How long a cached stage's artifact takes to be put back.
    """

    def __init__(
        self,
        spec: TuningStudySpec,
        *,
        instance_types: Sequence[InstanceType],
        blackbox: Blackbox,
        study: StudyIdentity | None = None,
        workers: int = 1,
        clock: VirtualClock | None = None,
        store: ArtifactStore | None = None,
        faults: FaultPlan | None = None,
        searcher_factory: SearcherFactory = make_searcher,
        prior: Prior | None = None,
        stored: StoredStages | None = None,
        restore_seconds: float = RESTORE_SECONDS,
    ) -> None:
        self.spec = spec
        self.instance_types = tuple(instance_types)
        self.study = study or StudyIdentity(name="simulated")
        self.workers = workers
        self.make_searcher = searcher_factory
        self.prior = prior
        self.stored = stored
        self.clock = clock or VirtualClock()
        self.store = store or MemoryStore(self.clock)
        self.runner = SimulatedRunner(
            log=self.open_log(),
            blackbox=blackbox,
            clock=self.clock,
            faults=faults,
            restore_seconds=restore_seconds,
        )

    def open_log(self) -> StudyLog:
        """The study's log, as a process opens it."""
        return StudyLog(self.store, self.study.study_prefix, clock=self.clock)


class Simulation:
    """Workers and a controller in a world; made anew after each crash of theirs."""

    def __init__(self, world: World) -> None:
        self._world = world
        spec = world.spec
        self._terms = terms_of(spec)
        self.backend = ManagedBackend(
            runner=world.runner,
            view=LogView(world.open_log()),
            planner=Planner(
                spec=spec,
                study=world.study,
                instance_types={one.metadata.name: one.spec for one in world.instance_types},
                base=lambda trial, attempt: "/tuner",
                code_identity="simulated",
            ),
            terms=self._terms,
            workers=world.workers,
        )
        self._workers = [self._worker(ordinal) for ordinal in range(world.workers)]

    def run(self, *, max_steps: int = 1_000_000) -> End | None:
        """Runs until the study has ended; None if it has not after so many steps."""
        for _ in range(max_steps):
            self.step()
            if self.backend.end is not None:
                return self.backend.end
        return None

    def step(self) -> None:
        """Lets the workers propose, then time pass to the next event."""
        for worker in self._workers:
            worker.step()
            if worker.exhausted:
                self.backend.exhausted(worker.ordinal)
            if worker.idle is not None:
                self.backend.idle(worker.ordinal, trials=worker.idle)
        self.backend.poll(timeout_seconds=LONG_SECONDS)

    def _worker(self, ordinal: int) -> Worker:
        world = self._world
        space = SearchSpace.from_parameters(world.spec.parameters)
        choices = resolve(
            world.spec,
            catalogue=world.instance_types,
            namespace=world.study.namespace,
        )
        view = LogView(world.open_log())
        return Worker(
            WorkerSettings(study=world.study.name, ordinal=ordinal, seed=world.spec.searcher.seed),
            searcher=world.make_searcher(
                world.spec,
                space=space,
                choices=choices,
                instance_types={one.metadata.name: one.spec for one in world.instance_types},
                worker=ordinal,
                workers=world.workers,
                prior=world.prior,
                stored=world.stored,
            ),
            view=view,
            store=world.store,
            backend=self.backend,
            demand=self._demand,
            promoter=Promoter(world.spec, worker=ordinal, view=view, backend=self.backend),
        )

    def _demand(self) -> Demand:
        places = -(-self._terms.parallel_trials // self._world.workers)
        return Demand(
            slots=places,
            max_trials=self._terms.budget.max_trials,
            ended=self.backend.end is not None,
        )
