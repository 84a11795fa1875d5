"""A study as one process has it on its desk: log, worker, and the trials in the caller's hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tuner.agent.writing import result_body, stage_body
from tuner.artifacts import ArtifactStore, FolderStore
from tuner.ask_tell.ends import Ends
from tuner.ask_tell.hands import Hands, Held
from tuner.ask_tell.made import Made
from tuner.ask_tell.told import FirstRun
from tuner.ask_tell.verdicts import verdict_on
from tuner.backends.local.manifests import Loaded
from tuner.backends.local.opening import enter, hold, lock_name
from tuner.backends.local.runs import NAMESPACE, runs, uid_of
from tuner.backends.planner import Planner
from tuner.backends.simulated import MemoryStore
from tuner.backends.view import LogView
from tuner.errors import BackendError
from tuner.log import Kind, StudyLog
from tuner.pipeline import AgentResult, StudyIdentity, TrialPlan, stage_keys
from tuner.pipeline.segmentation import segments
from tuner.searchers import make_searcher
from tuner.space import SearchSpace
from tuner.spec import CachePolicy
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Story
from tuner.study.ends import End
from tuner.study.terms import terms_of
from tuner.study.verdict import Verdict
from tuner.transfer.asked import learned
from tuner.trial import Trial, TrialResult
from tuner.worker import Worker, WorkerSettings
from tuner.worker.loop import Demand


class Desk:
    """What ask and tell stand on; made anew, it goes on from the log.

    Args:
        loaded: The study and its instance types.
        folder: Where the study is kept; None to keep it in memory.
        worker: Which of the processes that share the folder this is, from 0.
        workers: How many they are.
        clock: Seconds since the epoch; rising from call to call.

    Raises:
        BackendError: Another process has this ordinal, or the study was changed since it began.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        folder: Path | None,
        worker: int,
        workers: int,
        clock: Callable[[], float],
    ) -> None:
        self.spec = loaded.study.spec
        self.terms = terms_of(self.spec)
        self.clock = clock
        self._types = {name: one.spec for name, one in loaded.instance_types.items()}
        self.prices = {name: one.price_per_hour or 0.0 for name, one in self._types.items()}
        name = loaded.study.metadata.name
        with ExitStack() as locks:
            if folder is not None:
                _hold(folder, study=name, worker=worker, locks=locks)
            self.store: ArtifactStore = (
                MemoryStore(clock) if folder is None else FolderStore(folder, clock=clock)
            )
            number = max(runs(self.store, name), default=1)
            self.study = StudyIdentity(name=name, namespace=NAMESPACE, uid=uid_of(number))
            self.log = StudyLog(self.store, self.study.study_prefix)
            enter(
                self.log,
                self.spec,
                study=self.study,
                prices=self.prices,
                instance_types=self._types,
                labels=loaded.study.metadata.labels,
            )
            self._locks = locks.pop_all()
        self.view = LogView(self.log)
        self.hands = Hands(clock)
        self._planner = Planner(
            spec=self.spec,
            study=self.study,
            instance_types=self._types,
            base=lambda trial, attempt: f"/{trial}/{attempt}",
        )
        self._made = Made(
            lambda trial: stage_keys(
                self.spec, study=self.study, trial=trial, instance_types=self._types
            )
        )
        self._ordinal, self._workers = worker, workers
        self._ends = Ends(
            view=self.view,
            store=self.store,
            terms=self.terms,
            workers=workers,
            price_per_hour=self._planner.price_per_hour,
            clock=clock,
        )
        self._worker = self._make_worker(loaded)
        self._alone = folder is None
        self.view.refresh()
        self._take_over()
        self._note_end()

    @property
    def cached_stages(self) -> frozenset[str]:
        """Names of the stages whose output may be used again."""
        stages = self.spec.pipeline.stages
        return frozenset(one.name for one in stages if one.cache is CachePolicy.REUSE)

    def propose(self) -> Trial | None:
        """The next trial: one that an earlier process left open, else a new one; None at the end.

        Raises:
            StoreError: The log cannot be read or written.
        """
        self.view.refresh()
        end = self._ends.due()
        if end is not None:
            self._withdraw_waiting(end)
        if end is not None or self.terms.suspended:
            return None
        if not self.hands.waiting():
            self._worker.fill()
        return self.hands.take()

    def why_no_more(self) -> str:
        """Why `propose` gave nothing."""
        self._note_end()
        return self._ends.why_nothing()

    def story(self, trial: Trial | str) -> Story | None:
        """What the log knows of a trial; None if it does not know it."""
        name = trial if isinstance(trial, str) else trial.name
        self.view.refresh()
        story = self.view.chronicle.story(name)
        return None if story is None or story.trial is None else story

    def plan(self, story: Story) -> TrialPlan:
        """The plan of the attempt under way, all stages in it."""
        if story.trial is None:
            raise BackendError(f"nobody knows the parameters of {story.name}")
        held = self.hands.held(story.name)
        attempt = max(1, story.attempts) if held is None else held.attempt
        last = len(segments(self.spec, trial=story.trial)) - 1
        return self._planner.plan(story.trial, attempt=attempt, segment=last)

    def first_run(self, story: Story, stage: str) -> FirstRun | None:
        """What the stage took where a trial with such parameters ran it; None if none did."""
        if story.trial is None:
            return None
        return self._made.first_run(story.trial, stage, chronicle=self.view.chronicle)

    def append(
        self, plan: TrialPlan, kind: Kind, body: Mapping[str, object], *, part: str = "0"
    ) -> None:
        """Writes a record of the plan's attempt. Raises StoreError."""
        self.log.append(kind, trial=plan.trial, attempt=plan.attempt, part=part, body=body)

    def conclude(self, story: Story, plan: TrialPlan, *, result: AgentResult) -> None:
        """Writes down how a trial ended; harmless when it is repeated after an error.

        The result is what counts: with it the trial has ended, whatever comes in between.
        """
        for stage in result.stages:
            self.append(plan, Kind.STAGE, stage_body(plan, result=stage), part=stage.stage)
        self.append(plan, Kind.RESULT, result_body(plan, result=result))
        logged = result.trial_result(trial=plan.trial, attempt=plan.attempt)
        verdict = verdict_on(plan, result=logged, start=self._since(story), end=self.clock())
        self.append(plan, Kind.VERDICT, verdict.to_body())
        self._ended(story)

    def withdraw(self, story: Story, *, reason: str, message: str) -> None:
        """The trial will never have a result; it counts for nothing."""
        verdict = Verdict(state=TrialState.CANCELLED, reason=reason, message=message)
        self.append(self.plan(story), Kind.VERDICT, verdict.to_body())
        self._ended(story)

    def close(self) -> None:
        """Lets go of the study; trials that are open stay so."""
        self._locks.close()

    def _ended(self, story: Story) -> None:
        self.hands.let_go(story.name)
        self.view.refresh()
        self._note_end()

    def _since(self, story: Story) -> float:
        held = self.hands.held(story.name)
        return (held and held.since) or story.created

    def _make_worker(self, loaded: Loaded) -> Worker:
        lesson = learned(
            self.spec,
            store=self.store,
            study=self.study,
            choices=loaded.choices,
            instance_types=self._types,
            first=self._ordinal == 0,
        )
        return Worker(
            WorkerSettings(
                study=self.study.name, ordinal=self._ordinal, seed=self.spec.searcher.seed
            ),
            searcher=make_searcher(
                self.spec,
                space=SearchSpace.from_parameters(self.spec.parameters),
                choices=loaded.choices,
                instance_types=self._types,
                worker=self._ordinal,
                workers=self._workers,
                prior=None if lesson is None else lesson.prior,
            ),
            view=self.view,
            store=self.store,
            backend=self.hands,
            demand=self._demand,
        )

    def _demand(self) -> Demand:
        """One proposal more than lie in the caller's hands already."""
        mine = sum(
            held is not None and held.trial.worker == self._ordinal
            for held in (self.hands.held(one.trial) for one in self.hands.open_trials())
        )
        return Demand(slots=mine + 1, max_trials=self.terms.budget.max_trials)

    def _take_over(self) -> None:
        """What an earlier process of this ordinal, or of one that is no more, left behind."""
        for story in self.view.chronicle.stories:
            if story.trial is None or story.trial.worker % self._workers != self._ordinal:
                continue
            if story.is_open:
                self.hands.offer(Held(story.trial, attempt=story.attempts + 1))
            elif story.accepted is not None and not story.verdicts:
                self._judge(story, story.accepted)

    def _judge(self, story: Story, accepted: TrialResult) -> None:
        """The process was killed after it had written the result."""
        plan = replace(self.plan(story), attempt=accepted.attempt)
        verdict = verdict_on(plan, result=accepted, start=story.created, end=story.ended)
        self.append(plan, Kind.VERDICT, verdict.to_body())

    def _withdraw_waiting(self, end: End) -> None:
        for trial in self.hands.waiting():
            story = self.story(trial)
            if story is not None and story.is_open:
                self.withdraw(story, reason=end.reason, message=end.message)
            self.hands.let_go(trial.name)

    def _note_end(self) -> None:
        if not self._alone:
            self._ends.note()


def _hold(folder: Path, *, study: str, worker: int, locks: ExitStack) -> None:
    """Keeps `tuner run` out of the study, and a second process out of this ordinal."""
    locks.enter_context(hold(folder / lock_name(study), shared=True))
    try:
        locks.enter_context(hold(folder / lock_name(f"{study}.{worker}")))
    except BackendError as error:
        raise BackendError(
            f"worker {worker}: {error}; give each process its own worker, from 0 to workers - 1"
        ) from None
