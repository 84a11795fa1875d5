"""The front door of ask and tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from tuner.ask_tell.desk import Desk
from tuner.ask_tell.documents import (
    ENDLESS,
    FREE,
    Fields,
    Named,
    checked,
    study_document,
    type_documents,
)
from tuner.ask_tell.opening import Place, open_study
from tuner.ask_tell.rising import Rising
from tuner.ask_tell.telling import Telling
from tuner.ask_tell.told import Numbers
from tuner.backends.local.manifests import Loaded
from tuner.errors import ManifestError, NotTold, StudyEnded
from tuner.study.chronicle import Story
from tuner.study.summary import Point, Summary, summarize
from tuner.trial import Trial

Manifests = str | Path | Fields
"""A file or folder of manifests, or one document as Python values."""


class Optimizer:
    """Proposes trials and takes in what they came to.

    The searchers, the history, the decisions at rungs and the log are those that a cluster's
    workers use. A proposal follows from the seed and from what was told before: the same calls
    give the same proposals. May be called from several threads.

    With a `folder` the study outlives the process: made anew with the same arguments, an optimizer
    goes on, first with the trials that were asked for and never told; `tuner status`, `front`,
    `trials` and `explain` read the folder. Several processes may share it, each with a `worker`
    number of its own.

    Example:
        >>> opt = Optimizer(
        ...     parameters={"x": {"float": {"min": -1, "max": 2}}},
        ...     objectives={"loss": "Minimize"},
        ...     budget={"maxTrials": 20},
        ...     searcher="Sobol",
        ... )
        >>> for trial in opt:
        ...     opt.tell(trial, {"loss": trial.parameters["x"] ** 2})
        >>> opt.best.objectives["loss"] < 0.01
        True
    """

    def __init__(
        self,
        *,
        parameters: Named,
        objectives: Mapping[str, str | Fields] | Sequence[Fields],
        name: str = "study",
        constraints: Named | None = None,
        stages: Sequence[str | Fields] | Mapping[str, Fields] | None = None,
        instance_types: Mapping[str, Fields] | None = None,
        fidelity: Fields | None = None,
        scheduler: Fields | None = None,
        initial_trials: Named | None = None,
        transfer: Fields | None = None,
        searcher: str = "Auto",
        seed: int = 0,
        budget: Fields | None = None,
        max_failed_trials: int | None = None,
        folder: str | Path | None = None,
        worker: int = 0,
        workers: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A study in the words of the manifest's spec (docs/crd-reference.md).

        Args:
            parameters: The search space, by name: `{"lr": {"float": {"min": ..., "max": ...}}}`.
            objectives: By metric: `{"loss": "Minimize"}`, or with all of the fields.
            name: Of the study.
            constraints: Bounds that a result must keep.
            stages: Of the pipeline, in order; by default one, `train`. What the first ones make
                is taken to be kept and used again, unless they say `"cache": "Never"`.
            instance_types: Where trials may run, by name, with prices; by default here, for free.
            fidelity: How far a trial goes; needed for `report`. Its stage is the last by default.
            scheduler: Early stopping; Hyperband where there is a fidelity.
            initial_trials: What to try first.
            transfer: Earlier studies in the folder to learn from.
            searcher: Who proposes (docs/searchers.md).
            seed: Same seed and same results give the same proposals.
            budget: When to end; without it, never.
            max_failed_trials: How many failures end the study; by default only three first ones
                that are alike.
            folder: Where the study is kept; by default in memory.
            worker: Which of the processes that share the folder this is, from 0.
            workers: How many they are.
            clock: Seconds since the epoch.

        Raises:
            ManifestError: A rule is broken; each problem names the field and the rule.
            BackendError: Another process has this worker's number, or the study in the folder is
                another one.
        """
        prices = FREE if instance_types is None else instance_types
        spec: dict[str, object] = {
            "parameters": parameters,
            "objectives": objectives,
            "constraints": constraints,
            "stages": stages,
            "hardware": {"instanceTypes": list(prices)},
            "fidelity": fidelity,
            "scheduler": scheduler,
            "initialTrials": initial_trials,
            "transfer": transfer,
            "searcher": {"type": searcher, "seed": seed},
            "budget": budget,
            "maxFailedTrials": max_failed_trials,
        }
        loaded = checked([study_document(name, spec), *type_documents(prices)])
        self._open(loaded, folder=folder, worker=worker, workers=workers, clock=clock)

    @classmethod
    def from_manifest(
        cls,
        *manifests: Manifests,
        folder: str | Path | None = None,
        worker: int = 0,
        workers: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """A study as `tuner run` takes it; commands and images are ignored, the caller runs it.

        Args:
            manifests: Files, folders or documents: one TuningStudy and its InstanceTypes.
            folder: As for `Optimizer`.
            worker: As for `Optimizer`.
            workers: As for `Optimizer`.
            clock: As for `Optimizer`.

        Raises:
            ManifestError: A rule is broken, or there is not exactly one study.
            BackendError: As for `Optimizer`.
        """
        files = [one for one in manifests if isinstance(one, str | Path)]
        documents = [one for one in manifests if isinstance(one, Mapping)]
        made = cls.__new__(cls)
        loaded = checked(documents, files=files)
        made._open(loaded, folder=folder, worker=worker, workers=workers, clock=clock)
        return made

    def _open(
        self,
        loaded: Loaded,
        *,
        folder: str | Path | None,
        worker: int,
        workers: int,
        clock: Callable[[], float],
    ) -> None:
        if not 0 <= worker < workers:
            raise ManifestError(f"worker: should be from 0 to {workers - 1}, not {worker}")
        if folder is None and loaded.study.spec.transfer is not None:
            raise ManifestError("spec.transfer: give the folder that holds the earlier studies")
        self._mutex = RLock()
        place = Place(
            folder=None if folder is None else Path(folder),
            worker=worker,
            workers=workers,
            clock=Rising(clock),
        )
        with ExitStack() as undo:
            self._opened = open_study(loaded, place=place)
            undo.enter_context(self._opened.locks)
            self._desk = Desk(self._opened)
            undo.pop_all()
        self._telling = Telling(self._desk)

    def ask(self) -> Trial:
        """The next trial: its `parameters`, its `instance_types` by stage, and `why`.

        Raises:
            StudyEnded: The budget is used up, the goals are met, or nothing is left to try.
            StoreError: The folder cannot be read or written; asking again is harmless.
        """
        with self._mutex:
            trial = self._desk.propose()
            if trial is None:
                raise StudyEnded(self._desk.why_no_more())
            return trial

    def __iter__(self) -> Iterator[Trial]:
        """Asks until the study has ended. Raises ManifestError without a budget."""
        if self._opened.terms.budget.max_trials == ENDLESS:
            raise ManifestError('budget: give one, such as {"maxTrials": 50}, to ask in a loop')
        while True:
            try:
                trial = self.ask()
            except StudyEnded:
                return
            yield trial

    def tell(
        self,
        trial: Trial | str,
        metrics: Numbers | None = None,
        *,
        stage_seconds: Numbers | None = None,
        cached: Collection[str] = (),
    ) -> None:
        """Takes in the result of a trial that ran to its end.

        Args:
            trial: As asked for, or its name.
            metrics: Objectives, constrained and further metrics; those that were reported up to
                full fidelity may be left out.
            stage_seconds: What each stage took, of a cached one restoring it. `cost` and `runtime`
                follow from them; without them proposals do not weigh what a trial costs.
            cached: Stages whose output an earlier trial with the same parameters had made.

        Raises:
            NotTold: The trial has ended or is unknown, or a value is missing, no number or
                unknown; nothing of it was taken in.
            StoreError: The folder cannot be written; telling again is harmless.
        """
        with self._mutex:
            self._telling.completed(
                self._of(trial), metrics or {}, seconds=stage_seconds or {}, cached=cached
            )

    def report(
        self,
        trial: Trial | str,
        fidelity: float,
        metrics: Numbers,
        *,
        stage_seconds: Numbers | None = None,
        cached: Collection[str] = (),
    ) -> bool:
        """Takes in how a trial does so far; whether it should go on.

        False ends the trial: it was among the worse of those that got as far (Hyperband), and
        there is nothing more to tell of it.

        Args:
            trial: As asked for, or its name.
            fidelity: How far it is, in units of the study's fidelity.
            metrics: By then. A value that is not finite counts as the worst.
            stage_seconds: What each stage took up to now, the earlier ones included.
            cached: As for `tell`.

        Raises:
            NotTold: As for `tell`, or the study has no fidelity.
            StoreError: The folder cannot be written; reporting again is harmless.
        """
        with self._mutex:
            return self._telling.reported(
                self._of(trial), fidelity, metrics, seconds=stage_seconds or {}, cached=cached
            )

    def fail(
        self,
        trial: Trial | str,
        cause: str | BaseException,
        *,
        stage_seconds: Numbers | None = None,
        cached: Collection[str] = (),
    ) -> None:
        """Takes in that a trial failed, by a fault of its own.

        Args:
            trial: As asked for, or its name.
            cause: What happened; running out of memory is recognised, and counts against the
                instance type with such parameters.
            stage_seconds: What the stages took, up to the one that failed.
            cached: As for `tell`.

        Raises:
            NotTold: As for `tell`.
            StoreError: The folder cannot be written; telling again is harmless.
        """
        with self._mutex:
            self._telling.failed(self._of(trial), cause, seconds=stage_seconds or {}, cached=cached)

    def cancel(self, trial: Trial | str, message: str = "") -> None:
        """Gives a trial back that will not be run after all; it counts for nothing.

        Raises:
            NotTold: The trial has ended or is unknown.
            StoreError: The folder cannot be written; cancelling again is harmless.
        """
        with self._mutex:
            self._desk.withdraw(self._of(trial), reason="Command", message=message)

    def front(self) -> tuple[Point, ...]:
        """The Pareto front: feasible trials that ran to their end, best in the first objective."""
        return self.summary().front

    @property
    def best(self) -> Point | None:
        """The best feasible trial in the first objective; None before there is one."""
        return self.summary().best

    def summary(self) -> Summary:
        """Counts, money, front and hypervolume, as `tuner front` shows them."""
        with self._mutex:
            opened = self._opened
            return summarize(
                self._desk.look(),
                study=opened.study.name,
                terms=opened.terms,
                lookup_stages=opened.spec.pipeline.cached_stages,
                prices=opened.prices,
            )

    def close(self) -> None:
        """Lets go of the folder. Trials that were not told stay open for the next process."""
        self._opened.locks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _of(self, trial: Trial | str) -> Story:
        """The trial in the log. Raises NotTold unless it is open."""
        name = trial if isinstance(trial, str) else trial.name
        story = self._desk.story(name)
        if story is None:
            raise NotTold(f"trial: study {self._opened.study.name} has no trial {name}")
        if not story.is_open:
            raise NotTold(f"trial: {name} has ended already: {story.state}, {story.reason}")
        return story
