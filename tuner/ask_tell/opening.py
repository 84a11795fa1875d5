"""How a process takes up a study: its store and log, its place among others, its worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tuner.artifacts import ArtifactStore, FolderStore
from tuner.ask_tell.hands import Hands
from tuner.backends.local.manifests import Loaded
from tuner.backends.local.opening import enter, hold, lock_name
from tuner.backends.local.runs import NAMESPACE, runs, uid_of
from tuner.backends.simulated import MemoryStore
from tuner.backends.view import LogView
from tuner.errors import BackendError
from tuner.log import StudyLog
from tuner.pipeline import StudyIdentity
from tuner.searchers import make_searcher
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.study.terms import Terms, terms_of
from tuner.transfer.asked import learned
from tuner.worker import Worker, WorkerSettings
from tuner.worker.loop import Demand
from tuner.worker.promoting import Promoter


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a study is kept, and which of the processes that share it this is.

    Attributes:
        folder: None to keep it in memory.
        worker: Ordinal of this process, from 0.
        workers: How many processes there are.
        clock: Seconds since the epoch; rising from call to call.
    """

    folder: Path | None
    worker: int
    workers: int
    clock: Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A study as it was taken up.

    Attributes:
        loaded: The study and its instance types.
        place: Where, and by whom.
        study: Which study and run.
        store: Where its objects are.
        log: Its log.
        locks: Held until they are closed.
    """

    loaded: Loaded
    place: Place
    study: StudyIdentity
    store: ArtifactStore
    log: StudyLog
    locks: ExitStack

    @property
    def spec(self) -> TuningStudySpec:
        """What is asked for."""
        return self.loaded.study.spec

    @cached_property
    def terms(self) -> Terms:
        """The study's terms."""
        return terms_of(self.spec)

    @property
    def types(self) -> Mapping[str, InstanceTypeSpec]:
        """The instance types that it may use, by name."""
        return _types(self.loaded)

    @property
    def prices(self) -> Mapping[str, float]:
        """USD per hour, by instance type."""
        return _prices(self.loaded)

    def worker(self, *, view: LogView, hands: Hands) -> Worker:
        """The worker of this process: it proposes what `hands` then hold."""
        ordinal = self.place.worker
        lesson = learned(
            self.spec,
            store=self.store,
            study=self.study,
            choices=self.loaded.choices,
            instance_types=self.types,
            first=ordinal == 0,
        )

        def demand() -> Demand:
            """One proposal more than lie in the caller's hands already."""
            return Demand(slots=hands.count(ordinal) + 1, max_trials=self.terms.budget.max_trials)

        return Worker(
            WorkerSettings(study=self.study.name, ordinal=ordinal, seed=self.spec.searcher.seed),
            searcher=make_searcher(
                self.spec,
                space=SearchSpace.from_parameters(self.spec.parameters),
                choices=self.loaded.choices,
                instance_types=self.types,
                worker=ordinal,
                workers=self.place.workers,
                prior=None if lesson is None else lesson.prior,
            ),
            view=view,
            store=self.store,
            backend=hands,
            demand=demand,
            promoter=Promoter(self.spec, worker=ordinal, view=view, backend=hands),
        )


def open_study(loaded: Loaded, *, place: Place) -> Opened:
    """Takes a study up: makes it, or goes on with its latest run.

    Raises:
        BackendError: Another process has this ordinal, or the study was changed since it began.
    """
    name, folder, clock = loaded.study.metadata.name, place.folder, place.clock
    with ExitStack() as locks:
        if folder is not None:
            _hold(folder, study=name, worker=place.worker, locks=locks)
        store = MemoryStore(clock) if folder is None else FolderStore(folder, clock=clock)
        study = StudyIdentity(
            name=name, namespace=NAMESPACE, uid=uid_of(max(runs(store, name), default=1))
        )
        log = StudyLog(store, study.study_prefix)
        enter(
            log,
            loaded.study.spec,
            study=study,
            prices=_prices(loaded),
            instance_types=_types(loaded),
            labels=loaded.study.metadata.labels,
        )
        return Opened(
            loaded=loaded, place=place, study=study, store=store, log=log, locks=locks.pop_all()
        )


def _types(loaded: Loaded) -> dict[str, InstanceTypeSpec]:
    return {name: one.spec for name, one in loaded.instance_types.items()}


def _prices(loaded: Loaded) -> dict[str, float]:
    return {name: one.price_per_hour or 0.0 for name, one in _types(loaded).items()}


def _hold(folder: Path, *, study: str, worker: int, locks: ExitStack) -> None:
    """Keeps `tuner run` out of the study, and a second process out of this ordinal."""
    locks.enter_context(hold(folder / lock_name(study), shared=True))
    try:
        locks.enter_context(hold(folder / lock_name(f"{study}.{worker}")))
    except BackendError as error:
        raise BackendError(
            f"worker {worker}: {error}; give each process its own worker, from 0 to workers - 1"
        ) from None
