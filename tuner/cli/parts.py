"""What a run on this machine is made of, as its manifest and its options say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.artifacts import ArtifactStore, FolderSettings
from tuner.backends.local import LocalRunner, LocalSettings
from tuner.backends.local.manifests import Loaded
from tuner.backends.managed import ManagedBackend
from tuner.backends.planner import Planner
from tuner.backends.view import LogView
from tuner.cli.code import code_identity
from tuner.hardware import resources_of
from tuner.pipeline import StudyIdentity
from tuner.searchers import make_searcher
from tuner.space import SearchSpace
from tuner.study.terms import Terms
from tuner.worker import Worker, WorkerSettings
from tuner.worker.demand import Demand
from tuner.worker.promoting import Promoter
from tuner.worker.stored import stored_prefixes

if TYPE_CHECKING:
    from tuner.transfer.learning import Lesson


def make_runner(loaded: Loaded, *, store: Path, attempts_folder: Path) -> LocalRunner:
    """Carries attempts out as processes, on the CPUs of their instance types."""
    return LocalRunner(
        LocalSettings(
            folder=attempts_folder,
            working_folder=loaded.folder,
            store=FolderSettings(folder=str(store.absolute())),
            cpus={name: resources_of(one).cpus for name, one in loaded.instance_types.items()},
        )
    )


def make_planner(
    loaded: Loaded,
    *,
    study: StudyIdentity,
    store: Path,
    attempts_folder: Path,
    inputs: Mapping[str, str],
) -> Planner:
    """Makes the plans of attempts; the code beside the manifest stands for the image.

    Args:
        loaded: The manifest.
        study: Which study and run.
        store: The folder for everything that is kept; no part of the code.
        attempts_folder: Where the attempts have their folders.
        inputs: Paths that replace the addresses of the manifest, by input name.
    """
    return Planner(
        spec=loaded.study.spec,
        study=study,
        instance_types={name: one.spec for name, one in loaded.instance_types.items()},
        base=lambda trial, attempt: str((attempts_folder / trial / str(attempt)).absolute()),
        code_identity=code_identity(loaded.folder, besides=(*loaded.files, store)),
        inputs={name: str(Path(path).absolute()) for name, path in inputs.items()},
    )


def make_worker(
    loaded: Loaded,
    *,
    store: ArtifactStore,
    view: LogView,
    backend: ManagedBackend,
    planner: Planner,
    terms: Terms,
    lesson: Lesson | None,
) -> Worker:
    """The only worker of the run.

    Args:
        loaded: The manifest.
        store: Where the study's objects are.
        view: The study's log.
        backend: Where its trials run.
        planner: Knows the study, its types and what its code is.
        terms: The study's.
        lesson: What earlier studies taught.
    """
    spec, study = loaded.study.spec, planner.study
    return Worker(
        WorkerSettings(study=study.name, seed=spec.searcher.seed),
        searcher=make_searcher(
            spec,
            space=SearchSpace.from_parameters(spec.parameters),
            choices=loaded.choices,
            instance_types=planner.instance_types,
            prior=None if lesson is None else lesson.prior,
            stored=stored_prefixes(
                spec,
                store=store,
                study=study,
                instance_types=planner.instance_types,
                code_identity=planner.code_identity,
            ),
        ),
        view=view,
        store=store,
        backend=backend,
        demand=lambda: Demand(
            slots=terms.parallel_trials,
            max_trials=terms.budget.max_trials,
            ended=backend.study.end is not None,
        ),
        promoter=Promoter(spec, worker=0, view=view, backend=backend),
    )
