"""`ManagedBackend`: what the operator does on a cluster, for attempts run by this very process.

Admission, attempts, verdicts, segments and ends are those of `tuner.study`; an `AttemptRunner`
carries out single attempts, as local processes or in virtual time. All state can be rebuilt from
the log and from the attempts that the runner still shows, so it may be killed at any instant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuner.backends._protocol import BackendEvent
from tuner.backends.attempts import Attempt, AttemptRunner, Order, Phase
from tuner.backends.planner import Planner
from tuner.backends.showing import News, event_of, judged
from tuner.backends.verdicts import classify, with_logged_result, withdrawn
from tuner.backends.view import LogView
from tuner.errors import BackendError, StoreError
from tuner.log import Kind
from tuner.study.chronicle import Chronicle, Story
from tuner.study.claims import Grant
from tuner.study.elapsed import elapsed_seconds
from tuner.study.ends import End
from tuner.study.events import (
    Admit,
    AttemptEnded,
    Charged,
    Event,
    Exhausted,
    Finish,
    Idle,
    Promoted,
    Proposed,
    Started,
    StudyCommand,
    Tell,
    TermsChanged,
    Tick,
    Withdraw,
)
from tuner.study.machine import Study, apply, replay
from tuner.study.recovery import ended_event, events_of
from tuner.study.terms import Terms
from tuner.study.verdict import Verdict
from tuner.trial import Command, Trial

WITHDRAWN = "withdrawn"


class ManagedBackend:
    """A `TrialBackend` that also decides: who may start, what an end means, what is tried again.

    Args:
        runner: Carries out attempts; closed with this backend.
        view: The study's log; what this process reads and writes.
        planner: Makes plans.
        terms: The study's terms.
        workers: How many workers propose.
    """

    def __init__(
        self,
        *,
        runner: AttemptRunner,
        view: LogView,
        planner: Planner,
        terms: Terms,
        workers: int = 1,
    ) -> None:
        self._runner = runner
        self._view = view
        self._planner = planner
        self._told: dict[str, str] = {}
        self._current: dict[str, int] = {}
        self._trials: dict[str, Trial] = {}
        self._due: deque[StudyCommand] = deque()
        self._news = News()
        chronicle = view.refresh()
        events = events_of(chronicle, terms=terms, price_per_hour=planner.price_per_hour)
        self._study = replay(Study(terms=terms, workers=workers), events)
        for attempt in runner.attempts():
            self._adopt(attempt)
        self._set_clock(chronicle)

    @property
    def study(self) -> Study:
        """The study as it stands."""
        return self._study

    @property
    def end(self) -> End | None:
        """How the study ended, once every trial has."""
        return self._study.end if self._study.finished else None

    @property
    def running_usd(self) -> float:
        """What attempts on which there is no verdict yet have cost so far."""
        return sum(one.cost_usd for one in self._runner.attempts() if not self._judged(one))

    def start(self, trial: Trial) -> None:
        """Takes a trial in; see `TrialBackend`. The log holds its `proposed` already."""
        story = self._view.chronicle.story(trial.name)
        if trial.name in self._study.trials or (story is not None and not story.is_open):
            return
        price = self._planner.price_per_hour(trial)
        self._trials[trial.name] = trial
        self._news.expect(trial.name)
        self._apply(Proposed(time=self.now(), trial=trial.name, price_per_hour=price))

    def resume(self, trial: str, *, level: float) -> None:
        """Lets a promoted trial go on; see `TrialBackend`."""
        self._news.expect(trial)
        self._apply(Promoted(time=self.now(), trial=trial, level=level))

    def command(self, trial: str, command: Command) -> None:
        """Tells a running trial to checkpoint or stop; see `TrialBackend`."""
        self._runner.command(trial, command)

    def exhausted(self, worker: int) -> None:
        """A worker has nothing left to propose."""
        self._apply(Exhausted(time=self.now(), worker=worker))

    def idle(self, worker: int, *, trials: int) -> None:
        """With so many trials proposed, a worker finds none to propose and none to promote."""
        self._apply(Idle(time=self.now(), worker=worker, trials=trials))

    def change(self, terms: Terms) -> None:
        """The manifest was changed, or the study is to be suspended or resumed."""
        self._apply(TermsChanged(time=self.now(), terms=terms))

    def poll(self, *, timeout_seconds: float) -> Sequence[BackendEvent]:
        """Waits, carries out what is due, and tells what changed; see `TrialBackend`.

        While the store is away nothing is decided: what ended stays in view of the runner.
        """
        ended = any(one.phase is Phase.ENDED for one in self._runner.attempts())
        if timeout_seconds > 0 and not ended:
            self._runner.wait(timeout_seconds)
        try:
            self._view.refresh()
            self._reconcile()
        except StoreError as error:
            message = f"the store does not answer: {error}"
            return [BackendEvent(trial="", state="", reason="Store", message=message)]
        open_trials = self._study.trials
        events = self._events(self._news.watched(open_trials))
        return self._news.changed(events, open_trials=open_trials)

    def open_trials(self) -> Sequence[BackendEvent]:
        """Every trial that has not ended; see `TrialBackend`."""
        return self._events(self._study.trials)

    def now(self) -> float:
        """The runner's clock."""
        return self._runner.now()

    def close(self) -> None:
        """Lets go of the runner."""
        self._runner.close()

    def _reconcile(self) -> None:
        for attempt in self._runner.attempts():
            if attempt.phase is Phase.ENDED:
                self._conclude(attempt)
            elif attempt.phase is Phase.RUNNING:
                self._follow(attempt)
        self._perform()
        self._apply(Tick(time=self.now()))

    def _adopt(self, attempt: Attempt) -> None:
        if self._judged(attempt):
            return
        trial, number = attempt.order.id
        self._current[trial] = number
        time = attempt.start or self.now()
        self._record(Started(time=time, trial=trial, attempt=number, grant=attempt.order.grant))

    def _set_clock(self, chronicle: Chronicle) -> None:
        """The time in which no process ran the study does not count."""
        if self._study.clock_time is None:
            return
        verdicts = (one for story in chronicle.stories for one in story.verdicts.values())
        ran = [(one.start, one.start + one.seconds) for one in verdicts if one.start]
        ran += [(one.start, one.end) for one in self._runner.attempts() if one.start]
        self._study = replace(
            self._study, clock_seconds=elapsed_seconds(ran), clock_time=self._runner.now()
        )

    def _follow(self, attempt: Attempt) -> None:
        trial, number = attempt.order.id
        if self._study.clock_time is None:
            self._record(Started(time=attempt.start, trial=trial, attempt=number))
        story = self._story(trial)
        earlier = 0.0 if story is None else story.cost_usd
        self._record(Charged(time=self.now(), trial=trial, cost_usd=earlier + attempt.cost_usd))

    def _conclude(self, attempt: Attempt) -> None:
        """Verdict first, then the decision, then the attempt is forgotten; each step repeatable."""
        trial, number = attempt.order.id
        story = self._story(trial)
        if story is None:
            # The log holds its proposal: it was not read yet.
            return
        if not self._judged(attempt):
            lost = sum(one.infrastructure for one in story.verdicts.values())
            verdict = classify(
                with_logged_result(attempt, story.said(number)),
                told=self._told.get(trial, ""),
                lost_before=lost,
                max_attempts=self._study.terms.limits.max_attempts,
            )
            self._write(trial, number, verdict)
        if self._current.get(trial) == number:
            del self._current[trial]
            self._told.pop(trial, None)
            rung = None if attempt.result is None else attempt.result.rung
            self._apply(self._outcome(trial, rung=rung))
        self._runner.remove(trial, number)

    def _outcome(self, trial: str, *, rung: float | None = None) -> Event:
        story = self._story(trial)
        if story is None:
            return Tick(time=self.now())
        if not story.is_open:
            return ended_event(story, time=self.now(), terms=self._study.terms)
        return AttemptEnded(
            time=self.now(),
            trial=trial,
            cost_usd=story.cost_usd,
            seconds=story.seconds,
            rung=story.paused_at if rung is None else rung,
        )

    def _write(self, trial: str, attempt: int, verdict: Verdict, *, part: str = "0") -> None:
        self._view.log.append(
            Kind.VERDICT, trial=trial, attempt=attempt, part=part, body=verdict.to_body()
        )
        self._view.refresh()

    def _apply(self, event: Event) -> None:
        self._study, commands = apply(self._study, event)
        self._due.extend(commands)
        self._perform()

    def _record(self, event: Event) -> None:
        self._study = replay(self._study, [event])

    def _perform(self) -> None:
        # What fails stays due: the study's state already counts on it.
        while self._due:
            match self._due[0]:
                case Admit(grant=grant):
                    self._launch(grant)
                case Tell(trial=trial, command=word, reason=reason):
                    self._told[trial] = reason
                    self._runner.command(trial, word)
                case Withdraw() as command:
                    self._withdraw(command)
                case Finish():
                    pass
            self._due.popleft()

    def _launch(self, grant: Grant) -> None:
        story = self._story(grant.trial)
        trial = self._trials.get(grant.trial) or (story and story.trial)
        if not trial:
            raise BackendError(f"{grant.trial} was admitted, but nobody knows its parameters")
        missing = self._planner.missing_types(trial)
        if missing:
            message = f"the study may no longer use {', '.join(missing)}"
            self._withdraw(Withdraw(trial=trial.name, reason="InstanceType", message=message))
            # Noted only: this is in the middle of carrying out what was decided before.
            self._record(self._outcome(trial.name))
            return
        numbers = [
            one.order.plan.attempt
            for one in self._runner.attempts()
            if one.order.plan.trial == grant.trial
        ]
        verdict = None if story is None else story.last_verdict
        attempt = 1 + max([0 if story is None else story.attempts, *numbers])
        plan = self._planner.plan(
            trial,
            attempt=attempt,
            segment=0 if verdict is None else verdict.next_segment,
            promoted=self._study.trials[grant.trial].promoted,
        )
        self._runner.launch(Order(plan=plan, grant=grant))
        self._current[grant.trial] = attempt

    def _withdraw(self, command: Withdraw) -> None:
        story = self._story(command.trial)
        attempt = 0 if story is None else story.attempts
        self._write(command.trial, attempt, withdrawn(command), part=WITHDRAWN)

    def _story(self, trial: str) -> Story | None:
        return self._view.chronicle.story(trial)

    def _judged(self, attempt: Attempt) -> bool:
        return judged(attempt, self._story(attempt.order.plan.trial))

    def _events(self, trials: Iterable[str]) -> list[BackendEvent]:
        attempts = {one.order.plan.trial: one for one in self._runner.attempts()}
        return [
            event_of(trial, story=self._story(trial), attempt=attempts.get(trial), time=self.now())
            for trial in sorted(trials)
        ]
