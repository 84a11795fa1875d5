"""One `tuner run`: a worker and a backend of this process, over a folder in place of a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.artifacts import FolderSettings, FolderStore, delete_prefix
from tuner.backends import BackendEvent
from tuner.backends.local import LocalRunner, LocalSettings
from tuner.backends.local.manifests import Loaded
from tuner.backends.local.opening import Entry, enter, hold, lock_name
from tuner.backends.local.runs import NAMESPACE, runs, uid_of
from tuner.backends.managed import ManagedBackend
from tuner.backends.planner import Planner
from tuner.backends.view import LogView
from tuner.cli.code import code_identity
from tuner.errors import BackendError
from tuner.hardware import resources_of
from tuner.log import StudyLog
from tuner.pipeline import StudyIdentity
from tuner.searchers import make_searcher
from tuner.space import SearchSpace
from tuner.spec import InstanceType
from tuner.spec.trial import TrialState
from tuner.study.ends import End
from tuner.study.markers import clear_end, get_end, put_end
from tuner.study.summary import Summary, summarize
from tuner.study.terms import terms_of
from tuner.transfer.asked import learned
from tuner.worker import Worker, WorkerSettings
from tuner.worker.loop import Demand
from tuner.worker.promoting import Promoter
from tuner.worker.stored import stored_prefixes

if TYPE_CHECKING:
    from tuner.transfer.learning import Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run.

    Attributes:
        store: The folder for everything that is kept.
        again: Start a new run, which shares the stage cache with the earlier ones.
        inputs: Addresses that replace those of the manifest, by input name.
    """

    store: Path
    again: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)


class Session:
    """A run of a study on this machine: made anew, it goes on where it was.

    Args:
        loaded: What is to be run.
        options: How.

    Attributes:
        study: Which study and run.
        resumed: Whether the run was begun before.
        reopens: Whether its budget or another mutable field has changed since.
        lesson: What it learned from earlier studies, once it is open and if it asks for that.

    Raises:
        BackendError: Another process runs this study, or the manifest was changed in mid-run.
    """

    def __init__(self, loaded: Loaded, options: RunOptions) -> None:
        self._loaded = loaded
        self._options = options
        self._terms = terms_of(loaded.study.spec)
        self._store = FolderStore(options.store)
        self._lock = hold(options.store / lock_name(loaded.study.metadata.name))
        self.study = self._identity()
        self._log = StudyLog(self._store, self.study.study_prefix)
        entry = self._enter()
        self.resumed = entry.resumed
        self.reopens = entry.changed
        self._view = LogView(self._log)
        self._runner: LocalRunner | None = None
        self._backend: ManagedBackend | None = None
        self._worker: Worker | None = None
        self.lesson: Lesson | None = None

    @property
    def end(self) -> End | None:
        """How the run ended; None while it has not."""
        if self._backend is not None:
            return self._backend.end
        return get_end(self._store, self.study.study_prefix)

    @property
    def attempts_folder(self) -> Path:
        """Where the attempts of this run have their folders."""
        return self._options.store / "attempts" / f"{self.study.name}.{self.study.uid}"

    def open(self) -> None:
        """Starts up: finds open trials again, adopts or mourns what the last process left."""
        self._runner = LocalRunner(
            LocalSettings(
                folder=self.attempts_folder,
                working_folder=self._loaded.folder,
                store=FolderSettings(folder=str(self._options.store.absolute())),
                cpus={
                    name: resources_of(one).cpus
                    for name, one in self._loaded.instance_types.items()
                },
            )
        )
        planner = self._planner()
        self._backend = ManagedBackend(
            runner=self._runner, view=self._view, planner=planner, terms=self._terms
        )
        self._worker = self._make_worker(self._backend, planner)
        clear_end(self._store, self.study.study_prefix)

    def step(self, *, timeout_seconds: float) -> Sequence[BackendEvent]:
        """Proposes, waits, decides; what changed."""
        backend, worker = self._opened()
        worker.step()
        if worker.exhausted:
            backend.exhausted(worker.ordinal)
        if worker.idle is not None:
            backend.idle(worker.ordinal, trials=worker.idle)
        events = backend.poll(timeout_seconds=timeout_seconds)
        self._clear_checkpoints(events)
        if backend.end is not None:
            put_end(self._store, self.study.study_prefix, end=backend.end)
        return events

    def pause(self, *, give_up: Callable[[], bool]) -> None:
        """Checkpoints what runs, so that the next start goes on from there.

        Args:
            give_up: Asked again and again; True kills what has not ended yet.
        """
        backend, _ = self._opened()
        backend.change(replace(self._terms, suspended=True))
        while backend.study.running and not give_up():
            backend.poll(timeout_seconds=0.2)

    def summary(self) -> Summary:
        """What the study came to as of the last step; asks the store for nothing."""
        backend = self._backend
        states = (
            {one.trial: TrialState(one.state) for one in backend.open_trials()} if backend else {}
        )
        spec = self._loaded.study.spec
        return summarize(
            self._view.chronicle,
            study=self.study.name,
            terms=self._terms,
            states=states,
            running_usd=backend.running_usd if backend else 0.0,
            lookup_stages=spec.pipeline.cached_stages,
            prices=self._prices(),
        )

    def open_trials(self) -> Sequence[BackendEvent]:
        """The trials that have not ended."""
        return [] if self._backend is None else self._backend.open_trials()

    def close(self) -> None:
        """Kills what still runs and lets go of the study."""
        if self._backend is not None:
            self._backend.close()
        self._lock.close()

    def _opened(self) -> tuple[ManagedBackend, Worker]:
        if self._backend is None or self._worker is None:
            raise BackendError("the session is not open")
        return self._backend, self._worker

    def _identity(self) -> StudyIdentity:
        name = self._loaded.study.metadata.name
        known = runs(self._store, name)
        number = (known[-1] if known else 0) + (self._options.again or not known)
        return StudyIdentity(name=name, namespace=NAMESPACE, uid=uid_of(number))

    def _enter(self) -> Entry:
        """Writes the run's marker, which says what may be changed while it lasts."""
        spec = self._loaded.study.spec
        try:
            return enter(
                self._log,
                spec,
                study=self.study,
                prices=self._prices(),
                instance_types={name: one.spec for name, one in self._types},
                labels=self._loaded.study.metadata.labels,
            )
        except BackendError as error:
            raise BackendError(
                f"{error}; `tuner run --again` starts a new run, which reuses the stage cache"
            ) from None

    def _planner(self) -> Planner:
        loaded = self._loaded
        inputs = {name: str(Path(path).absolute()) for name, path in self._options.inputs.items()}
        return Planner(
            spec=loaded.study.spec,
            study=self.study,
            instance_types={name: one.spec for name, one in self._types},
            base=lambda trial, attempt: str(
                (self.attempts_folder / trial / str(attempt)).absolute()
            ),
            code_identity=code_identity(
                loaded.folder, besides=(*loaded.files, self._options.store)
            ),
            inputs=inputs,
        )

    def _make_worker(self, backend: ManagedBackend, planner: Planner) -> Worker:
        spec = self._loaded.study.spec
        self.lesson = learned(
            spec,
            store=self._store,
            study=self.study,
            choices=self._loaded.choices,
            instance_types=planner.instance_types,
        )
        return Worker(
            WorkerSettings(study=self.study.name, seed=spec.searcher.seed),
            searcher=make_searcher(
                spec,
                space=SearchSpace.from_parameters(spec.parameters),
                choices=self._loaded.choices,
                instance_types=planner.instance_types,
                prior=None if self.lesson is None else self.lesson.prior,
                stored=stored_prefixes(
                    spec,
                    store=self._store,
                    study=self.study,
                    instance_types=planner.instance_types,
                    code_identity=planner.code_identity,
                ),
            ),
            view=self._view,
            store=self._store,
            backend=backend,
            demand=lambda: Demand(
                slots=self._terms.parallel_trials,
                max_trials=self._terms.budget.max_trials,
                ended=backend.study.end is not None,
            ),
            promoter=Promoter(spec, worker=0, view=self._view, backend=backend),
        )

    def _prices(self) -> dict[str, float]:
        return {name: one.spec.price_per_hour or 0.0 for name, one in self._types}

    @property
    def _types(self) -> Iterable[tuple[str, InstanceType]]:
        return self._loaded.instance_types.items()

    def _clear_checkpoints(self, events: Sequence[BackendEvent]) -> None:
        """Of a trial that has ended nobody resumes: its checkpoints only fill the disk."""
        for event in events:
            if event.trial and TrialState(event.state).is_final:
                prefix = f"{self.study.study_prefix}/checkpoints/{event.trial}/"
                delete_prefix(self._store, prefix)
