"""Trials that are told to stop, taken away, or left alone by their runner."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tuner.agent import Commanded
from tuner.log import Kind
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import FidelityPlan, TrialPlan
from tuner.trial import Command, Outcome


def has_reported(plan: TrialPlan) -> bool:
    reports = Layout(Path(plan.layout)).stage("train").reports
    return reports.exists() and reports.stat().st_size > 0


def test_a_timeout_fails_the_trial(bench: Any) -> None:
    changes = {"train": {"timeout_seconds": 0.2}}
    result = bench.completed(bench.plan({"train": "exec sleep 600"}, changes=changes))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "Timeout")


def test_a_paused_trial_goes_on_from_its_checkpoint(
    bench: Any, epochs: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    paused = bench.completed(
        plan,
        command=bench.when(
            partial(has_reported, plan),
            Commanded(command=Command.CHECKPOINT, reason="Suspended"),
        ),
    )
    assert (paused.outcome, paused.reason) == (Outcome.PAUSED, "Suspended")
    assert paused.checkpoint
    monkeypatch.setenv("PACE", "0")
    again = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"}, attempt=2)
    result = bench.completed(again)
    assert result.outcome is Outcome.COMPLETED
    assert result.stages[0].first_run_seconds >= paused.stages[0].seconds
    fidelities = [
        report["fidelity"]
        for record in bench.records(Kind.REPORTS)
        if record.attempt == 2
        for report in record.body["reports"]
    ]
    assert fidelities == [2.0, 3.0]


def test_stop_kills_a_stage_that_ignores_sigterm(bench: Any) -> None:
    plan = bench.plan(
        {"train": "trap '' TERM; echo >$TUNER_OUTPUT_DIR/up; while :; do sleep 0.05; done"},
        grace_seconds=0.3,
    )
    up = Layout(Path(plan.layout)).stage("train").output / "up"
    command = bench.when(up.exists, Commanded(command=Command.STOP))
    result = bench.completed(plan, command=command)
    assert (result.outcome, result.reason) == (Outcome.STOPPED, "Command")
    assert result.stages[0].exit_code == 137


def test_the_death_of_the_runner_leaves_no_verdict(
    bench: Any, epochs: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    layout = Layout(Path(plan.layout))

    def kill() -> None:
        bench.waiting(partial(has_reported, plan))
        os.kill(int(layout.runner_pid.read_text().split()[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert bench.run(plan) is None
    killer.join()
    assert not bench.records(Kind.RESULT)
    assert bench.records(Kind.REPORTS)
    assert list(bench.store.list(f"{plan.study_prefix}/checkpoints/"))


def test_an_interrupted_agent_leaves_no_verdict_but_a_checkpoint(
    bench: Any, epochs: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    agent = bench.agent(plan)

    def interrupt() -> None:
        bench.waiting(partial(has_reported, plan))
        agent.interrupt()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    assert agent.run() is None
    interrupter.join()
    assert not bench.records(Kind.RESULT)
    monkeypatch.setenv("PACE", "0")
    again = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"}, attempt=2)
    assert bench.completed(again).outcome is Outcome.COMPLETED


def test_a_checkpoint_is_saved_while_the_stage_runs(bench: Any) -> None:
    plan = bench.plan(
        {"train": "echo 1 >$TUNER_CHECKPOINT_DIR/k; while [ ! -e $0.go ]; do sleep 0.02; done"}
    )
    plan = replace(
        plan, stages=(replace(plan.stages[0], argv=(*plan.stages[0].argv, plan.layout)),)
    )
    go = Path(f"{plan.layout}.go")

    def release() -> None:
        prefix = f"{plan.study_prefix}/checkpoints/"
        bench.waiting(lambda: any(i.key.endswith(".json") for i in bench.store.list(prefix)))
        go.touch()

    releaser = threading.Thread(target=release)
    releaser.start()
    options = replace(bench.options, checkpoint_seconds=0.05)
    result = bench.completed(plan, options=options)
    releaser.join()
    assert result.outcome is Outcome.COMPLETED
    assert result.checkpoint


def test_heartbeats_tell_that_it_lives(bench: Any) -> None:
    started = time.time()
    bench.completed(
        bench.plan({"train": "sleep 0.3"}), options=replace(bench.options, heartbeat_seconds=0.1)
    )
    beat = bench.log.get_heartbeat("digits-0-0")
    assert beat is not None
    assert beat.attempt == 1
    assert beat.time >= started - 1
