"""The agent's shell: hears, lets the machine decide, writes the decision down, acts on it."""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.agent import events
from tuner.agent.files import make_base, write_whole
from tuner.agent.hands import Doer, Hands
from tuner.agent.heartbeat import Heartbeat
from tuner.agent.jobs import Write, next_job
from tuner.agent.keeper import Keeper
from tuner.agent.line import RunnerLine
from tuner.agent.machine import Machine
from tuner.agent.runner import kill_runner, last_lines, start_runner
from tuner.agent.signals import signals
from tuner.agent.state import Phase, State, state_from_json, state_to_json
from tuner.agent.tail import ReportTail
from tuner.agent.waker import Waker
from tuner.agent.writing import agent_result
from tuner.artifacts import ArtifactStore
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import ObjectivePlan, TrialPlan
from tuner.pipeline.result import AgentResult

CommandSource = Callable[[], events.Commanded | None]
"""What the trial was told, or None; asked several times a second."""

HoldSource = Callable[[], float | None]
"""For how many seconds the trial may wait for a place; None once it has one."""

_MOST_PENDING_BATCHES = 50
"""With more waiting for the store, reports stay in the stage's file."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """How the agent works.

    Attributes:
        start_runner: Whether it starts the runner itself (`tuner run`), not Kubernetes.
        tick_seconds: How often it looks for reports and commands.
        hold_tick_seconds: How often it looks for a place, while it has none.
        ping_seconds: How often it lets the runner look after its processes.
        heartbeat_seconds: How often it says in the store that it is alive, first after so long.
        checkpoint_seconds: How often it saves the checkpoint of a running stage.
        store_away_seconds: How long the store may stay away.
    """

    start_runner: bool = False
    tick_seconds: float = 0.2
    hold_tick_seconds: float = 0.05
    ping_seconds: float = 20.0
    heartbeat_seconds: float = 60.0
    checkpoint_seconds: float = 60.0
    store_away_seconds: float = 600.0


class StateFile:
    """Where the state outlives the agent's process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State | None:
        """The state, or None at the first start."""
        try:
            return state_from_json(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def save(self, state: State) -> None:
        """Writes the state whole."""
        write_whole(self._path, state_to_json(state))


class Agent:
    """Carries out the plan of one attempt, beside the runner; may be killed at any instant.

    Args:
        plan: What to do.
        store: Where log, cache and checkpoints are.
        options: How.
        command: What the trial is told meanwhile.
        hold: Whether it must wait before anything runs; by default it has its place.
        clock: Seconds since the epoch.
        doer: Does the jobs; by default a Keeper over the store.
        file: Keeps the state; by default `Layout.state`.
    """

    def __init__(
        self,
        plan: TrialPlan,
        store: ArtifactStore,
        *,
        options: AgentOptions | None = None,
        command: CommandSource | None = None,
        hold: HoldSource | None = None,
        clock: Callable[[], float] = time.time,
        doer: Doer | None = None,
        file: StateFile | None = None,
    ) -> None:
        self._plan = plan
        self._options = options or AgentOptions()
        self._layout = Layout(Path(plan.layout))
        self._command = command or (lambda: None)
        self._hold = hold or (lambda: None)
        self._clock = clock
        self._doer = doer or Keeper(plan, store)
        self._file = file or StateFile(self._layout.state)
        self._machine = Machine(
            plan=plan,
            compared=_compared(plan),
            checkpoint_seconds=self._options.checkpoint_seconds,
        )
        self._state = State()
        self._tail: tuple[int, ReportTail] | None = None
        self._interrupted = threading.Event()
        self._beat_at = float("inf")
        self._waker = Waker()

    def interrupt(self) -> None:
        """Ends soon without a verdict, the checkpoint saved; safe in signal handlers."""
        self._interrupted.set()
        self._waker.wake()

    def run(self) -> AgentResult | None:
        """Works until the runner has ended; None if the attempt has no verdict."""
        make_base(self._layout)
        line = RunnerLine(self._layout, clock=self._clock)
        hands = Hands(
            self._doer, wake=self._waker.wake, away_seconds=self._options.store_away_seconds
        )
        self._beat_at = self._clock() + self._options.heartbeat_seconds
        seconds = min(self._options.ping_seconds, self._options.heartbeat_seconds)
        heart = Heartbeat(lambda: self._beat(line), seconds=seconds)
        try:
            if self._options.start_runner:
                start_runner(self._layout)
            self._work(line, hands)
        finally:
            heart.close()
            hands.close()
            line.close()
            self._waker.close()
        if self._options.start_runner:
            kill_runner(self._layout)
        return agent_result(self._plan, state=self._state)

    def _work(self, line: RunnerLine, hands: Hands) -> None:
        known = self._file.load()
        if known is None:
            seconds = self._hold()
            until = None if seconds is None else self._clock() + seconds
            self._step(events.Begun(hold_until=until), line)
        else:
            self._state = known
        hung_up = False
        while not self._done:
            for event in self._events(line, hands, hung_up=hung_up):
                self._step(event, line)
            if self._state.jobs and not hands.busy:
                hands.start(next_job(self._state.jobs))
            if not self._done:
                hung_up = self._wait(line)

    @property
    def _done(self) -> bool:
        return self._state.phase is Phase.DONE

    def _step(self, event: events.Event, line: RunnerLine) -> None:
        before, after = self._state, self._machine.apply(self._state, event)
        if after != before:
            # Written first: what is done may be done again, never forgotten.
            self._file.save(after)
            self._state = after
            if after.phase is not before.phase:
                _logger.info("%s %d", after.phase, after.index)
        known = None if isinstance(event, events.Ready) else before
        for text in signals(self._plan, before=known, after=after):
            line.tell(text)

    def _events(self, line: RunnerLine, hands: Hands, *, hung_up: bool) -> Iterator[events.Event]:
        if self._interrupted.is_set():
            self._interrupted.clear()
            yield events.Interrupted()
        command = self._command()
        if command is not None:
            yield command
        if self._state.hold_until is not None and self._hold() is None:
            yield events.Released(at=self._clock())
        yield from self._from_runner(line, hung_up=hung_up)
        yield from self._reports()
        outcome = hands.fetch()
        for job in () if outcome is None else outcome.jobs:
            if outcome is None or not self._state.jobs or job is not self._state.jobs[0]:
                break
            if outcome.answer is not None:
                yield events.Answered(answer=outcome.answer, at=self._clock())
            else:
                yield events.StoreAway(message=outcome.given_up)
        yield events.Tick(at=self._clock())

    def _from_runner(self, line: RunnerLine, *, hung_up: bool) -> Iterator[events.Event]:
        for event in line.hear(hung_up=hung_up):
            if isinstance(event, events.Exited | events.RunnerGone):
                tail = self._current_tail()
                if tail is not None:
                    yield from tail.rest(now=event.at)
            if isinstance(event, events.Exited) and event.code and self._options.start_runner:
                yield replace(event, output=last_lines(self._layout.output_log))
            else:
                yield event

    def _reports(self) -> Iterator[events.Taken]:
        tail = self._current_tail()
        waiting = sum(isinstance(job, Write) for job in self._state.jobs)
        if tail is not None and waiting <= _MOST_PENDING_BATCHES:
            taken = tail.take(now=self._clock())
            if taken is not None:
                yield taken

    def _current_tail(self) -> ReportTail | None:
        """The tail of the run under way; made anew for each run, and after a restart."""
        state = self._state
        if state.phase is not Phase.RUN:
            return None
        if self._tail is None or self._tail[0] != state.execution.number:
            stage = self._plan.stages[state.index].name
            fidelity = self._plan.fidelity
            trains = fidelity is not None and fidelity.stage == stage
            tail = ReportTail(
                self._layout.stage(stage).reports,
                base=self._layout.base,
                offset=state.offset,
                fidelity_name=fidelity.name if fidelity is not None and trains else None,
                rungs=fidelity.rungs[state.rungs :] if fidelity is not None and trains else (),
            )
            self._tail = (state.execution.number, tail)
        return self._tail[1]

    def _wait(self, line: RunnerLine) -> bool:
        """Sleeps until something happens or a tick is over; whether the doorbell hung up."""
        poll = select.poll()
        poll.register(self._waker.descriptor, select.POLLIN)
        if line.doorbell is not None:
            poll.register(line.doorbell, select.POLLIN)
        holds = self._state.phase is Phase.HOLD
        seconds = self._options.hold_tick_seconds if holds else self._options.tick_seconds
        ready = dict(poll.poll(seconds * 1000))
        self._waker.clear()
        return line.doorbell in ready and bool(ready[line.doorbell] & select.POLLHUP)

    def _beat(self, line: RunnerLine) -> None:
        line.tell("ping")
        # What a short trial writes down tells as much, and there may be thousands of them.
        if self._clock() >= self._beat_at:
            self._beat_at = self._clock() + self._options.heartbeat_seconds
            self._doer.heartbeat()


def _compared(plan: TrialPlan) -> tuple[ObjectivePlan, ...]:
    fidelity = plan.fidelity
    if fidelity is None or not fidelity.rungs:
        return ()
    from tuner.schedulers import rung_objectives

    return rung_objectives(plan.objectives, stage=fidelity.stage)
