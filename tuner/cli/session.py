"""One `tuner run`: a worker and a backend of this process, over a folder in place of a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.artifacts import FolderStore, delete_prefix
from tuner.backends import BackendEvent
from tuner.backends.local.manifests import Loaded
from tuner.backends.local.opening import Entry, enter, hold, lock_name
from tuner.backends.local.runs import NAMESPACE, runs, uid_of
from tuner.backends.managed import ManagedBackend
from tuner.backends.view import LogView
from tuner.cli.parts import make_planner, make_runner, make_worker
from tuner.errors import BackendError
from tuner.log import StudyLog
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceType
from tuner.spec.trial import TrialState
from tuner.study.ends import End
from tuner.study.markers import clear_end, get_end, put_end
from tuner.study.summary import Summary, summarize
from tuner.study.terms import terms_of
from tuner.transfer.asked import learned
from tuner.worker import Worker

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
        loaded, options = self._loaded, self._options
        runner = make_runner(loaded, store=options.store, attempts_folder=self.attempts_folder)
        planner = make_planner(
            loaded,
            study=self.study,
            store=options.store,
            attempts_folder=self.attempts_folder,
            inputs=options.inputs,
        )
        self._backend = ManagedBackend(
            runner=runner, view=self._view, planner=planner, terms=self._terms
        )
        self.lesson = learned(
            loaded.study.spec,
            store=self._store,
            study=self.study,
            choices=loaded.choices,
            instance_types=planner.instance_types,
        )
        self._worker = make_worker(
            loaded,
            store=self._store,
            view=self._view,
            backend=self._backend,
            planner=planner,
            terms=self._terms,
            lesson=self.lesson,
        )
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
