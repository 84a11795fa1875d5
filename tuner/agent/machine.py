"""The agent's decisions: `Machine.apply(state, event) -> state`, pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tuner.agent import events
from tuner.agent.accounting import rung_vector, so_far
from tuner.agent.course import (
    advance,
    begin,
    is_over,
    levels_left,
    looked_up,
    prepared,
    released,
    restored,
    save,
)
from tuner.agent.jobs import (
    Decide,
    Decided,
    Done,
    Hit,
    Job,
    Lookup,
    Miss,
    Prepare,
    Prepared,
    Refused,
    Restore,
    Restored,
    Save,
    Saved,
    Store,
    Write,
)
from tuner.agent.leaving import at_rung, end
from tuner.agent.progress import Progress
from tuner.agent.state import Ending, Phase, State
from tuner.agent.writing import reports_body
from tuner.log.records import Kind
from tuner.pipeline.plan import ObjectivePlan, TrialPlan
from tuner.pipeline.result import HOLD_ENDED
from tuner.trial import Command, Outcome

_BEFORE_RUN = (Phase.LOOKUP, Phase.RESTORE, Phase.PREPARE, Phase.HOLD)
_AFTER_RUN = (Phase.SETTLE, Phase.STORE)
_KILLED = 137

TERMINATED = Ending(outcome=None, reason="Terminated", message="The pod is being taken away.")
INTERRUPTED = Ending(outcome=None, reason="Interrupted", message="The agent was told to end.")
RUNNER_LOST = Ending(outcome=None, reason="RunnerLost", message="The runner died.")
HOLD_OVER = Ending(
    outcome=Outcome.PAUSED, reason=HOLD_ENDED, message="No place became free in time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Carries out one plan.

    Attributes:
        plan: What to do.
        compared: The objectives compared at rungs, in the order of their vectors.
        checkpoint_seconds: How often a checkpoint is saved while the stage runs.
    """

    plan: TrialPlan
    compared: tuple[ObjectivePlan, ...] = ()
    checkpoint_seconds: float = 60.0

    def apply(self, state: State, event: events.Event) -> State:
        """The next state; events that come late or twice change nothing."""
        match event:
            case events.Begun():
                return begin(self.plan, replace(state, hold_until=event.hold_until))
            case events.Released():
                return released(self.plan, state, at=event.at)
            case events.Started() | events.Exited() | events.Signalled() | events.RunnerGone():
                return self._heard(state, event)
            case events.Taken():
                return self._taken(state, event)
            case events.Answered():
                return self._answered(state, event)
            case events.Tick():
                return self._tick(state, at=event.at)
            case events.Ready():
                return state
            case _:
                return self._asked(state, event)

    def _asked(
        self, state: State, event: events.Commanded | events.Interrupted | events.StoreAway
    ) -> State:
        if isinstance(event, events.Interrupted):
            if state.phase is Phase.QUIT:
                # All is stored, and the runner may never come: its image cannot be pulled.
                return replace(state, phase=Phase.DONE)
            return self._halt(state, INTERRUPTED)
        if isinstance(event, events.StoreAway):
            return self._store_away(state, message=event.message)
        paused = event.command is Command.CHECKPOINT
        ending = Ending(
            outcome=Outcome.PAUSED if paused else Outcome.STOPPED,
            reason=event.reason or "Command",
            message="Paused on request." if paused else "Stopped on request.",
        )
        return self._halt(state, ending)

    def _heard(
        self,
        state: State,
        event: events.Started | events.Exited | events.Signalled | events.RunnerGone,
    ) -> State:
        match event:
            case events.Signalled():
                return self._halt(state, TERMINATED)
            case events.RunnerGone():
                return self._runner_gone(state, at=event.at)
            case events.Started() if self._is_current(state, event.number):
                if state.execution.started is None:
                    return replace(state, execution=replace(state.execution, started=event.at))
            case events.Exited() if self._is_current(state, event.number):
                return self._exited(state, code=event.code, at=event.at, output=event.output)
            case _:
                pass
        return state

    def _is_current(self, state: State, number: int) -> bool:
        return state.phase is Phase.RUN and state.execution.number == number

    def _exited(self, state: State, *, code: int, at: float, output: str = "") -> State:
        execution = replace(state.execution, exit_code=code, ended=at, output=output)
        state = replace(state, phase=Phase.SETTLE, execution=execution)
        if code == 0 and state.ending is None and levels_left(self.plan, state):
            state = self._put_up(state, progress=state.progress, at=at)
        return advance(self.plan, state) if is_over(self.plan, state) else state

    def _runner_gone(self, state: State, *, at: float) -> State:
        state = replace(state, gone=True)
        if state.phase is Phase.QUIT:
            return replace(state, phase=Phase.DONE)
        if state.phase is Phase.RUN:
            state = replace(state, ending=state.ending or RUNNER_LOST)
            return self._exited(state, code=_KILLED, at=at)
        return self._halt(state, RUNNER_LOST)

    def _halt(self, state: State, ending: Ending) -> State:
        """Ends at the next point where nothing is lost: now, or once the stage is stored."""
        if state.phase is Phase.RUN:
            told = replace(state.execution, told=True)
            return replace(state, execution=told, ending=state.ending or ending)
        if state.phase in _BEFORE_RUN:
            writes = tuple(job for job in state.jobs if isinstance(job, Write))
            return end(self.plan, replace(state, jobs=writes), ending)
        if state.phase in _AFTER_RUN:
            return replace(state, halt=state.halt or ending)
        return state

    def _store_away(self, state: State, *, message: str) -> State:
        lost = Ending(outcome=Outcome.STORE_LOST, reason="StoreLost", message=message)
        state = replace(state, jobs=())
        if state.phase is Phase.RUN:
            return replace(state, ending=lost, execution=replace(state.execution, told=True))
        return end(self.plan, state, lost)

    def _tick(self, state: State, *, at: float) -> State:
        if state.hold_until is not None and at >= state.hold_until:
            return self._halt(replace(state, hold_until=None), HOLD_OVER)
        if state.phase is not Phase.RUN or state.ending is not None:
            return state
        stage = self.plan.stages[state.index]
        if (
            stage.timeout_seconds is not None
            and state.execution.seconds(at) > stage.timeout_seconds
        ):
            message = f"Stage {stage.name} ran longer than its {stage.timeout_seconds:g} s."
            return self._halt(
                state, Ending(outcome=Outcome.FAILED, reason="Timeout", message=message)
            )
        if at - state.saved_at >= self.checkpoint_seconds and not _saving(state.jobs):
            return save(state, at=at, final=False)
        return state

    def _taken(self, state: State, event: events.Taken) -> State:
        """Passes reports on and puts the trial up at each rung that one of them reaches."""
        if state.phase is not Phase.RUN or event.offset == state.offset:
            return state
        before = state.progress
        warnings = dict(state.warnings)
        for name, count in event.warnings.items():
            warnings[name] = warnings.get(name, 0) + count
        state = replace(
            state, offset=event.offset, warnings=warnings, progress=before.then(event.reports)
        )
        if not event.reports:
            return state
        body = reports_body(
            self.plan,
            stage=self.plan.stages[state.index].name,
            kept=event.kept,
            seen=len(event.reports),
            built_in=so_far(self.plan, state=state, at=event.at),
        )
        state = state.with_jobs(Write(kind=Kind.REPORTS, part=str(state.batch), body=body))
        return self._at_rungs(replace(state, batch=state.batch + 1), event, before=before)

    def _at_rungs(self, state: State, event: events.Taken, *, before: Progress) -> State:
        rungs = self._open_rungs(state)
        progress = before
        for report in event.reports if rungs else ():
            progress = progress.then([report])
            while rungs and (report.fidelity or 0.0) >= rungs[0]:
                state = self._put_up(state, progress=progress, at=event.at)
                rungs = rungs[1:]
        return state

    def _open_rungs(self, state: State) -> tuple[float, ...]:
        fidelity = self.plan.fidelity
        stage = self.plan.stages[state.index].name
        if fidelity is None or fidelity.restart or fidelity.stage != stage:
            return ()
        if state.ending is not None and state.ending.rung is None:
            return ()
        return fidelity.rungs[state.rungs :]

    def _put_up(self, state: State, *, progress: Progress, at: float) -> State:
        if self.plan.fidelity is None or not self.compared:
            return state
        vector = rung_vector(
            self.compared, progress=progress, built_in=so_far(self.plan, state=state, at=at)
        )
        level = self.plan.fidelity.rungs[state.rungs]
        state = replace(state, rungs=state.rungs + 1)
        if state.ending is not None:
            return _put_off(state, [Decide(level=level, vector=vector)])
        return state.with_jobs(Decide(level=level, vector=vector))

    def _answered(self, state: State, event: events.Answered) -> State:
        if not state.jobs:
            return state
        job, state = state.jobs[0], replace(state, jobs=state.jobs[1:])
        state = self._took(state, job=job, event=event)
        return advance(self.plan, state) if is_over(self.plan, state) else state

    def _took(self, state: State, *, job: Job, event: events.Answered) -> State:
        match job, event.answer:
            case Lookup(), (Hit() | Miss()) as answer:
                return looked_up(self.plan, state, answer)
            case Restore(), (Restored() | Miss()) as answer:
                return restored(self.plan, state, answer, index=job.index)
            case Prepare(), Prepared() as answer:
                return prepared(self.plan, state, answer, at=event.at)
            case Decide(), Decided() as answer:
                return self._decided(state, answer, at=event.at)
            case Save(), Saved() as answer:
                saved = state.checkpoint or answer.saved
                return replace(state, checkpoint=saved, saved_at=event.at)
            case Store(), Refused(why=why):
                return replace(
                    state, ending=Ending(outcome=Outcome.FAILED, reason="Artifact", message=why)
                )
            case Write(), Done(key=key) if job.kind == Kind.RESULT:
                return replace(state, key=key)
            case _:
                return state

    def _decided(self, state: State, decided: Decided, *, at: float) -> State:
        if decided.stop:
            # What comes after a stop, even if the stage has got there meanwhile, does not count:
            # the same reports must lead to the same log, however fast they came.
            dropped = [job for job in state.jobs if isinstance(job, Decide)]
            later = tuple(job for job in state.jobs if not isinstance(job, Decide))
            state = replace(state, jobs=later)
            if decided.paused_at is not None:
                state = _put_off(state, dropped)
            if state.ending is None and state.execution.exit_code in (None, 0):
                told = replace(state.execution, told=True)
                return replace(state, ending=at_rung(decided), execution=told)
            return state
        if state.phase is Phase.RUN and not _saving(state.jobs):
            return save(state, at=at, final=False)
        return state


def _put_off(state: State, decisions: Iterable[Decide]) -> State:
    """Rungs that a paused trial has reached as well: decided once it goes on."""
    due = (*state.progress.due, *((job.level, job.vector) for job in decisions))
    return replace(state, progress=replace(state.progress, due=due))


def _saving(jobs: tuple[Job, ...]) -> bool:
    return any(isinstance(job, Save) for job in jobs)
