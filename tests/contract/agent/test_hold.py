"""A trial made ahead of its place: it is ready, and nothing of it runs before it is released."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tuner.agent import Agent, Commanded
from tuner.agent.commands import HoldFile
from tuner.agent.loop import StateFile
from tuner.agent.state import Phase, State
from tuner.log import Kind
from tuner.pipeline import HOLD_ENDED
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import TrialPlan
from tuner.trial import Command, Outcome, StageOutcome

LONG = 600.0


@dataclass
class Hold:
    """A pod's annotation as its agent sees it, and the agent's state."""

    file: Path
    state: Path

    def put(self, seconds: float = LONG) -> Hold:
        self.file.write_text(f"{seconds:g}")
        return self

    def release(self) -> None:
        self.file.write_text("")

    def is_ready(self) -> bool:
        """Whether all is done that can be done before there is a place."""
        known = StateFile(self.state).load()
        return known is not None and known.phase is Phase.HOLD


@pytest.fixture
def stages() -> dict[str, str]:
    return {
        "prepare": "echo data >$TUNER_OUTPUT_DIR/data",
        "train": "cat $TUNER_STAGE_PREPARE_DIR/data; echo '{\"error\": 0.5}' >>$TUNER_REPORTS",
    }


@pytest.fixture
def plan(bench: Any, stages: dict[str, str]) -> TrialPlan:
    """One whose first stage is in the cache."""
    assert bench.completed(bench.plan(stages, trial="digits-1-0")).outcome is Outcome.COMPLETED
    stages["train"] += " # changed"
    found: TrialPlan = bench.plan(stages, metrics={"error": "train"})
    return found


@pytest.fixture
def hold(plan: TrialPlan, tmp_path: Path) -> Hold:
    return Hold(tmp_path / "hold", Layout(Path(plan.layout)).state)


def records_of(bench: Any) -> list[Kind]:
    return [one.kind for one in bench.log.read_all() if one.trial == "digits-0-0"]


def test_a_held_trial_restores_its_prefix_and_starts_once_released(
    bench: Any, plan: TrialPlan, hold: Hold
) -> None:
    agent = bench.agent(plan, hold=HoldFile(hold.put().file))
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(agent.run()))
    thread.start()
    bench.waiting(hold.is_ready)
    files = Layout(Path(plan.layout))
    assert (files.stage("prepare").output / "data").read_text() == "data\n"
    bench.waiting(lambda: files.events.exists() and "ready" in files.events.read_text())
    assert "started" not in files.events.read_text()
    assert Kind.RESULT not in records_of(bench)
    hold.release()
    thread.join(timeout=30)
    assert not thread.is_alive()
    (result,) = found
    assert result.outcome is Outcome.COMPLETED
    assert [one.outcome for one in result.stages] == [StageOutcome.CACHED, StageOutcome.RUN]


def test_a_hold_that_lasts_too_long_hands_the_trial_back(
    bench: Any, plan: TrialPlan, stages: dict[str, str], hold: Hold
) -> None:
    result = bench.completed(plan, hold=HoldFile(hold.put(0.3).file))
    assert (result.outcome, result.reason, result.rung) == (Outcome.PAUSED, HOLD_ENDED, None)
    assert [one.stage for one in result.stages] == ["prepare"]
    assert records_of(bench)[-1] is Kind.RESULT
    again = bench.plan(stages, metrics={"error": "train"}, attempt=2)
    assert bench.completed(again).outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("command", "outcome"),
    [(Command.CHECKPOINT, Outcome.PAUSED), (Command.STOP, Outcome.STOPPED)],
)
def test_a_held_trial_obeys(
    bench: Any, plan: TrialPlan, hold: Hold, command: Command, outcome: Outcome
) -> None:
    told = bench.when(hold.is_ready, Commanded(command=command, reason="Suspended"))
    result = bench.completed(plan, hold=HoldFile(hold.put().file), command=told)
    assert (result.outcome, result.reason) == (outcome, "Suspended")
    assert len(result.stages) == 1


class Killed(BaseException):
    """Stands for SIGKILL."""


class DyingFile(StateFile):
    """Dies once it has written down that the agent holds."""

    def save(self, state: State) -> None:
        super().save(state)
        if state.phase is Phase.HOLD:
            raise Killed


@pytest.mark.parametrize("released", [False, True])
def test_an_agent_that_is_killed_holds_on(
    bench: Any, plan: TrialPlan, hold: Hold, released: bool
) -> None:
    dying: Agent = bench.agent(plan, hold=HoldFile(hold.put().file), file=DyingFile(hold.state))
    with pytest.raises(Killed):
        dying.run()
    if released:
        hold.release()
        assert bench.completed(plan, hold=HoldFile(hold.file)).outcome is Outcome.COMPLETED
        return
    command = bench.when(hold.is_ready, Commanded(command=Command.STOP))
    result = bench.completed(plan, hold=HoldFile(hold.file), command=command)
    assert result.outcome is Outcome.STOPPED


def test_a_trial_that_is_wholly_cached_needs_no_place(
    bench: Any, stages: dict[str, str], plan: TrialPlan, hold: Hold
) -> None:
    bench.completed(bench.plan(stages, metrics={"error": "train"}, trial="digits-1-1"))
    result = bench.completed(plan, hold=HoldFile(hold.put().file))
    assert result.outcome is Outcome.COMPLETED
    assert {one.outcome for one in result.stages} == {StageOutcome.CACHED}
