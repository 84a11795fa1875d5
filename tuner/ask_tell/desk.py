"""A study as one process has it on its desk: log, worker, and the trials in the caller's hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tuner.agent.writing import result_body, stage_body
from tuner.ask_tell.ends import Ends
from tuner.ask_tell.hands import Hands, Held
from tuner.ask_tell.made import Made
from tuner.ask_tell.opening import Opened
from tuner.ask_tell.told import FirstRun
from tuner.ask_tell.verdicts import verdict_on
from tuner.backends.planner import Planner
from tuner.backends.view import LogView
from tuner.errors import BackendError
from tuner.log import Kind
from tuner.pipeline import AgentResult, TrialPlan, stage_keys
from tuner.pipeline.segmentation import segments
from tuner.spec import TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle, Story
from tuner.study.ends import End
from tuner.study.history import UNCOUNTED
from tuner.study.verdict import Verdict
from tuner.trial import Trial, TrialResult


class Desk:
    """What ask and tell stand on; made anew, it goes on from the log.

    Args:
        opened: The study.
    """

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.view = LogView(opened.log)
        self._hands = Hands(opened.place.clock)
        self._planner = Planner(
            spec=opened.spec,
            study=opened.study,
            instance_types=opened.types,
            base=lambda trial, attempt: f"/{trial}/{attempt}",
        )
        self._made = Made(
            lambda trial: stage_keys(
                opened.spec, study=opened.study, trial=trial, instance_types=opened.types
            )
        )
        self._ends = Ends(
            view=self.view,
            store=opened.store,
            terms=opened.terms,
            workers=opened.place.workers,
            price_per_hour=self._planner.price_per_hour,
            clock=opened.place.clock,
        )
        self._worker = opened.worker(view=self.view, hands=self._hands)
        self.view.refresh()
        self._take_over()
        self._note_end()

    @property
    def spec(self) -> TuningStudySpec:
        """What is asked for."""
        return self.opened.spec

    def propose(self) -> Trial | None:
        """The next trial: one that an earlier process left open, else a new one; None at the end.

        Raises:
            StoreError: The log cannot be read or written.
        """
        self.look()
        end = self._ends.due()
        if end is not None:
            self._withdraw_waiting(end)
        if end is not None or self.opened.terms.suspended:
            return None
        if not self._hands.waiting():
            self._worker.fill()
        trial = self._hands.take()
        return trial if trial is None or self._has_place(trial) else None

    def look(self) -> Chronicle:
        """The log with what other processes wrote; nobody else writes into memory."""
        if self.opened.place.folder is None:
            return self.view.chronicle
        return self.view.refresh()

    def why_no_more(self) -> str:
        """Why `propose` gave nothing."""
        self._note_end()
        return self._ends.why_nothing()

    def story(self, trial: Trial | str) -> Story | None:
        """What the log knows of a trial; None if it does not know it."""
        name = trial if isinstance(trial, str) else trial.name
        self.look()
        story = self.view.chronicle.story(name)
        return None if story is None or story.trial is None else story

    def plan(self, story: Story) -> TrialPlan:
        """The plan of the attempt under way, all stages in it."""
        if story.trial is None:
            raise BackendError(f"nobody knows the parameters of {story.name}")
        held = self._hands.held(story.name)
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
        self.opened.log.append(kind, trial=plan.trial, attempt=plan.attempt, part=part, body=body)

    def conclude(self, story: Story, plan: TrialPlan, *, result: AgentResult) -> None:
        """Writes down how a trial ended; harmless when it is repeated after an error.

        The result is what counts: with it the trial has ended, whatever comes in between.
        """
        for stage in result.stages:
            self.append(plan, Kind.STAGE, stage_body(plan, result=stage), part=stage.stage)
        self.append(plan, Kind.RESULT, result_body(plan, result=result))
        logged = result.trial_result(trial=plan.trial, attempt=plan.attempt)
        verdict = verdict_on(
            plan, result=logged, start=self._since(story), end=self.opened.place.clock()
        )
        self.append(plan, Kind.VERDICT, verdict.to_body())
        self._ended(story)

    def withdraw(self, story: Story, *, reason: str, message: str) -> None:
        """The trial will never have a result; it counts for nothing."""
        verdict = Verdict(state=TrialState.CANCELLED, reason=reason, message=message)
        self.append(self.plan(story), Kind.VERDICT, verdict.to_body())
        self._ended(story)

    def _ended(self, story: Story) -> None:
        self._hands.let_go(story.name)
        self.view.refresh()
        self._note_end()

    def _since(self, story: Story) -> float:
        held = self._hands.held(story.name)
        return (held and held.since) or story.created

    def _take_over(self) -> None:
        """What an earlier process of this ordinal, or of one that is no more, left behind."""
        place = self.opened.place
        for story in self.view.chronicle.stories:
            if story.trial is None or story.trial.worker % place.workers != place.worker:
                continue
            if story.is_open:
                self._hands.offer(Held(story.trial, attempt=story.attempts + 1))
            elif story.accepted is not None and not story.verdicts:
                self._judge(story, story.accepted)

    def _has_place(self, trial: Trial) -> bool:
        """Whether the budget has room for a trial that another process may have raced for.

        Of trials proposed at once the oldest have their places: everybody who looks says the same.
        """
        maximum = self.opened.terms.budget.max_trials
        counted = [one for one in self.view.chronicle.stories if one.state not in UNCOUNTED]
        if maximum is None or all(one.name != trial.name for one in counted[maximum:]):
            return True
        story = self.story(trial)
        if story is not None:
            message = f"{maximum} trials of other workers came first"
            self.withdraw(story, reason="MaxTrials", message=message)
        return False

    def _judge(self, story: Story, accepted: TrialResult) -> None:
        """The process was killed after it had written the result."""
        plan = replace(self.plan(story), attempt=accepted.attempt)
        verdict = verdict_on(plan, result=accepted, start=story.created, end=story.ended)
        self.append(plan, Kind.VERDICT, verdict.to_body())

    def _withdraw_waiting(self, end: End) -> None:
        for trial in self._hands.waiting():
            story = self.story(trial)
            if story is not None and story.is_open:
                self.withdraw(story, reason=end.reason, message=end.message)
            self._hands.let_go(trial.name)

    def _note_end(self) -> None:
        if self.opened.place.folder is not None:
            self._ends.note()
