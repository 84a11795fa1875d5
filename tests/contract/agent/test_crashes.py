"""The agent is killed at every step that it writes down or stores; the log stays the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tuner.agent import Agent, AgentOptions
from tuner.agent.loop import StateFile
from tuner.agent.runner import kill_runner
from tuner.agent.state import State
from tuner.artifacts import FolderStore
from tuner.errors import StoreUnreachable
from tuner.log import Kind, StudyLog
from tuner.pipeline import plan_to_json
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import FidelityPlan, TrialPlan
from tuner.pipeline.result import AgentResult
from tuner.trial import Outcome

OPTIONS = AgentOptions(start_runner=True, tick_seconds=0.02, heartbeat_seconds=600.0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that the agent has catches it."""


class Fuse:
    """Kills at the n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class CrashingStore(FolderStore):
    """Dies before or after a write."""

    def __init__(self, folder: Path, *, before: Fuse, after: Fuse) -> None:
        super().__init__(str(folder))
        self._before = before
        self._after = after

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        if key.startswith("studies/local/digits.local/heartbeats/"):
            return
        self._before.burn()
        super().put(key, data, size_bytes=size_bytes)
        self._after.burn()


class CrashingFile(StateFile):
    """Dies right after the state was written, before anything of it is done."""

    def __init__(self, path: Path, *, after: Fuse) -> None:
        super().__init__(path)
        self._after = after

    def save(self, state: State) -> None:
        super().save(state)
        self._after.burn()


NEVER = 10**9


def _pod(plan: TrialPlan, store: Path, *, where: str, steps: int) -> tuple[AgentResult, bool]:
    """Runs an agent until it dies at that step, then another one to the end, like a kubelet."""
    fuses = {name: Fuse(steps if name == where else NEVER) for name in ("put", "stored", "step")}
    crashing = Agent(
        plan,
        CrashingStore(store, before=fuses["put"], after=fuses["stored"]),
        options=OPTIONS,
        file=CrashingFile(Layout(Path(plan.layout)).state, after=fuses["step"]),
    )
    try:
        result = crashing.run()
        died = False
    except Killed:
        result = Agent(plan, FolderStore(str(store)), options=OPTIONS).run()
        died = True
    finally:
        kill_runner(Layout(Path(plan.layout)))
    assert result is not None
    return result, died


def _essence(store: Path) -> list[Any]:
    """The log without times, each record once."""
    essence = []
    for record in StudyLog(FolderStore(str(store)), "studies/local/digits.local").read_all():
        body = dict(record.body)
        if record.kind is Kind.STAGE:
            body = {name: body[name] for name in ("stage", "outcome", "exit_code")}
        elif record.kind is Kind.RESULT:
            body = {name: body[name] for name in ("outcome", "reason", "fidelity", "message")}
        else:
            reports = body["reports"]
            assert isinstance(reports, list)
            body = {"reports": [(one["fidelity"], one["metrics"]["loss"]) for one in reports]}
        essence.append((record.kind, record.part, body))
    return essence


def _reports(essence: list[Any]) -> list[Any]:
    """All reports in the order of their batches: where they are cut depends on time."""
    batches = sorted((int(part), body) for kind, part, body in essence if kind is Kind.REPORTS)
    return [report for _, body in batches for report in body["reports"]]


def _plan(bench: Any, train: str, epochs: FidelityPlan) -> TrialPlan:
    plan: TrialPlan = bench.plan(
        {
            "prepare": "echo data >$TUNER_OUTPUT_DIR/data",
            "train": train,
            "check": "cat $TUNER_STAGE_TRAIN_DIR/model $TUNER_STAGE_PREPARE_DIR/data",
        },
        fidelity=epochs,
        metrics={"loss": "train"},
    )
    return plan


def _at(plan: TrialPlan, folder: Path) -> TrialPlan:
    """The same plan in another folder."""

    def moved(text: str) -> str:
        return text.replace(plan.layout, str(folder))

    stages = tuple(
        replace(stage, env={name: moved(value) for name, value in stage.env.items()})
        for stage in plan.stages
    )
    return replace(plan, layout=str(folder), stages=stages)


@pytest.mark.parametrize("where", ["put", "stored", "step"])
@pytest.mark.parametrize("poor", [False, True])
def test_a_kill_at_any_step_changes_nothing_in_the_log(
    bench: Any,
    tmp_path: Path,
    train: str,
    epochs: FidelityPlan,
    where: str,
    poor: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if poor:
        # It waits to be stopped: how far it gets meanwhile must not depend on time.
        monkeypatch.setenv("PACE", "600")
    plan = _plan(bench, train, epochs)

    def pod(steps: int) -> tuple[list[Any], bool]:
        store = tmp_path / f"store.{steps}"
        log = StudyLog(FolderStore(str(store)), plan.study_prefix)
        for number in range(3 if poor else 0):
            log.put_rung(0, 1.0, trial=f"digits-1-{number}", attempt=1, vector=[0.01])
        moved = _at(plan, tmp_path / f"pod.{steps}")
        result, died = _pod(moved, store, where=where, steps=steps)
        assert result.outcome is (Outcome.STOPPED if poor else Outcome.COMPLETED)
        (rung,) = [one for one in log.list_rung(0, 1.0) if one.trial == plan.trial]
        assert rung.vector == (0.8,)
        return _essence(store), died

    undisturbed, _ = pod(NEVER)
    steps, died = 0, True
    while died:
        steps += 1
        essence, died = pod(steps)
        assert _reports(essence) == _reports(undisturbed), f"{where} {steps}"
        assert sorted(map(repr, _others(essence))) == sorted(map(repr, _others(undisturbed)))
    assert steps > 5


def _others(essence: list[Any]) -> list[Any]:
    return [entry for entry in essence if entry[0] is not Kind.REPORTS]


def test_sigkill_of_the_process_changes_nothing(
    bench: Any, tmp_path: Path, train: str, epochs: FidelityPlan
) -> None:
    plan = _plan(bench, train.replace("sleep ${PACE:-0}", "sleep 0.3"), epochs)
    (tmp_path / "plan").write_text(plan_to_json(plan))
    result = tmp_path / "result"
    command = [sys.executable, "-m", "tuner.agent", "--start-runner"]
    command += ["--plan", str(tmp_path / "plan"), "--result", str(result)]
    command += ["--command", str(tmp_path / "command")]
    root = Path(__file__).parents[3]
    env = {
        **os.environ,
        "TUNER_STORE": f'{{"folder": "{tmp_path / "store"}"}}',
        "PYTHONPATH": str(root),
    }
    reports = Layout(Path(plan.layout)).stage("train").reports
    bench.bases.append(Path(plan.layout))
    began = time.monotonic()
    first = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    bench.waiting(lambda: reports.exists() and reports.stat().st_size > 0)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    time.sleep(0.5)
    second = subprocess.run(command, env=env, stderr=subprocess.DEVNULL, timeout=60, check=False)
    assert second.returncode == 0
    assert AgentResult.from_json(result.read_text()).outcome is Outcome.COMPLETED
    fidelities = [fidelity for fidelity, _ in _reports(_essence(tmp_path / "store"))]
    assert fidelities == [1.0, 2.0, 3.0]
    (stage,) = [one for one in bench.records(Kind.STAGE) if one.part == "train"]
    assert 0.8 <= stage.body["seconds"] <= time.monotonic() - began


class AwayStore(FolderStore):
    """Does not answer for a while, from a number of calls on."""

    def __init__(self, folder: Path, *, calls: int, refusals: int) -> None:
        super().__init__(str(folder))
        self._calls = calls
        self._refusals = refusals

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        self._calls -= 1
        if self._calls < 0 and self._refusals > 0:
            self._refusals -= 1
            raise StoreUnreachable("gone fishing")
        super().put(key, data, size_bytes=size_bytes)


def test_nothing_is_lost_while_the_store_is_away(
    bench: Any, tmp_path: Path, train: str, epochs: FidelityPlan
) -> None:
    plan = _plan(bench, train, epochs)
    store = AwayStore(tmp_path / "store", calls=3, refusals=4)
    result = Agent(plan, store, options=OPTIONS).run()
    kill_runner(Layout(Path(plan.layout)))
    assert result is not None
    assert result.outcome is Outcome.COMPLETED
    assert len(_reports(_essence(tmp_path / "store"))) == 3
    assert len(bench.records(Kind.STAGE)) == 3


def test_a_store_that_stays_away_ends_the_attempt(
    bench: Any, tmp_path: Path, train: str, epochs: FidelityPlan
) -> None:
    plan = _plan(bench, train, epochs)
    store = AwayStore(tmp_path / "store", calls=2, refusals=NEVER)
    result = Agent(plan, store, options=replace(OPTIONS, store_away_seconds=0.3)).run()
    kill_runner(Layout(Path(plan.layout)))
    assert result is not None
    assert (result.outcome, result.reason) == (Outcome.STORE_LOST, "StoreLost")
    assert "fishing" in result.message
