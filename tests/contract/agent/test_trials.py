"""Whole trials: real runner, real stages, a folder as the store."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.agent import Commanded
from tuner.log import Kind
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import FidelityPlan
from tuner.trial import Command, Outcome, StageOutcome

REPORT = "echo '{\"error\": 0.5}' >>$TUNER_REPORTS"


def test_a_pipeline_runs_to_its_end(bench: Any) -> None:
    plan = bench.plan(
        {
            "prepare": "echo data >$TUNER_OUTPUT_DIR/data",
            "train": f"cat $TUNER_STAGE_PREPARE_DIR/data; {REPORT}",
        },
        metrics={"error": "train", "cost": None},
    )
    result = bench.completed(plan)
    assert result.outcome is Outcome.COMPLETED
    assert result.fidelity == 1.0
    assert result.metrics["error"] == 0.5
    assert result.metrics["cost"] == pytest.approx(result.metrics["runtime"])
    assert [stage.outcome for stage in result.stages] == [StageOutcome.RUN] * 2
    (record,) = bench.records(Kind.RESULT)
    assert record.body["outcome"] == "Completed"
    # The last stage's reports, its record and the result are one object.
    assert ".bundle.digits-0-0.1." in result.key
    assert [info.key for info in bench.store.list(f"{bench.log.prefix}/log/")][-1] == result.key
    assert len(list(bench.store.list(f"{bench.log.prefix}/log/"))) == 2
    assert [one.part for one in bench.records(Kind.STAGE)] == ["prepare", "train"]
    (reports,) = bench.records(Kind.REPORTS)
    assert reports.body["reports"][0]["metrics"]["error"] == 0.5


def test_parameters_are_a_json_file(bench: Any) -> None:
    plan = bench.plan({"train": "cp $TUNER_PARAMETERS $TUNER_OUTPUT_DIR/"})
    assert bench.completed(plan).outcome is Outcome.COMPLETED
    output = Layout(Path(plan.layout)).stage("train").output
    assert json.loads((output / "parameters.json").read_text()) == {"lr": 0.1}


def test_a_stage_that_exits_1_fails_the_trial(bench: Any) -> None:
    result = bench.completed(bench.plan({"train": "echo out of luck; exit 1"}))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "ExitCode")
    assert "exit code 1" in result.message
    assert "out of luck" in result.message
    assert result.stages[0].exit_code == 1
    assert bench.records(Kind.STAGE)[0].body["outcome"] == "Failed"


def test_a_killed_stage_fails_with_137(bench: Any) -> None:
    result = bench.completed(bench.plan({"train": "kill -KILL $$"}))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "ExitCode")
    assert result.stages[0].exit_code == 137


def test_a_missing_objective_fails_the_trial(bench: Any) -> None:
    result = bench.completed(bench.plan({"train": REPORT}, metrics={"loss": "train"}))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "MissingMetric")
    assert "loss" in result.message
    assert result.stages[0].outcome is StageOutcome.FAILED


def test_an_objective_of_no_stage_may_come_from_any(bench: Any) -> None:
    plan = bench.plan({"train": REPORT, "check": "exit 0"}, metrics={"error": None})
    assert bench.completed(plan).outcome is Outcome.COMPLETED
    other = bench.plan({"train": "exit 0"}, metrics={"error": None}, trial="digits-0-1")
    assert bench.completed(other).reason == "MissingMetric"


def test_malformed_reports_are_warnings(bench: Any) -> None:
    script = (
        'printf \'not json\\n[1]\\n{"error": "high"}\\n{"error": NaN}\\n\' >>$TUNER_REPORTS;'
        + REPORT
        + "; printf '{\"last\": 1}' >>$TUNER_REPORTS"
    )
    result = bench.completed(bench.plan({"train": script}, metrics={"error": "train"}))
    assert result.outcome is Outcome.COMPLETED
    assert result.metrics["error"] == 0.5
    assert result.stages[0].metrics["last"] == 1.0
    assert result.warnings == {"MalformedReport": 2, "NotANumber": 1, "NotFinite": 1}


def test_a_last_report_of_nan_is_no_value(bench: Any) -> None:
    script = REPORT + "; echo '{\"error\": NaN}' >>$TUNER_REPORTS"
    result = bench.completed(bench.plan({"train": script}, metrics={"error": "train"}))
    assert result.reason == "MissingMetric"
    best = bench.plan({"train": script}, metrics={"error": "train"}, trial="digits-0-1")
    objective = replace(best.objectives[0], best=True)
    assert bench.completed(replace(best, objectives=(objective,))).metrics["error"] == 0.5


def test_a_flood_is_thinned_and_its_last_value_kept(bench: Any) -> None:
    script = (
        'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo "{\\"error\\": $i}"; done >>$TUNER_REPORTS'
    )
    result = bench.completed(bench.plan({"train": script}, metrics={"error": "train"}))
    assert result.metrics["error"] == 5000.0
    records = bench.records(Kind.REPORTS)
    assert sum(record.body["seen"] for record in records) == 5000
    kept = sum(len(record.body["reports"]) for record in records)
    assert kept + result.warnings["ReportsThinned"] == 5000
    assert records[-1].body["reports"][-1]["metrics"]["error"] == 5000.0


def test_a_second_trial_takes_the_prefix_from_the_cache(bench: Any) -> None:
    stages = {
        "prepare": "echo ran >>$0.count; echo data >$TUNER_OUTPUT_DIR/data; " + REPORT,
        "train": "cat $TUNER_STAGE_PREPARE_DIR/data",
    }
    first = bench.completed(bench.plan(stages, metrics={"error": "prepare"}))
    stages["train"] += " # changed"
    plan = bench.plan(stages, metrics={"error": "prepare"}, trial="digits-0-1")
    second = bench.completed(plan)
    assert [stage.outcome for stage in second.stages] == [StageOutcome.CACHED, StageOutcome.RUN]
    assert second.metrics["error"] == 0.5
    assert second.stages[0].first_run_seconds == first.stages[0].first_run_seconds
    assert second.stages[0].seconds > 0.0
    price_per_second = plan.stages[0].price_per_hour / 3600.0
    assert second.stages[0].cost_usd == pytest.approx(second.stages[0].seconds * price_per_second)
    assert second.saved_usd == pytest.approx(first.stages[0].cost_usd)
    assert second.metrics["runtime"] >= first.stages[0].seconds
    recorded = bench.records(Kind.STAGE, "digits-0-1")[0].body
    assert recorded["outcome"] == "Cached"
    assert recorded["seconds"] == second.stages[0].seconds


def test_a_wholly_cached_trial_restores_nothing(bench: Any) -> None:
    stages = {"prepare": "echo data >$TUNER_OUTPUT_DIR/data", "train": REPORT}
    bench.completed(bench.plan(stages, metrics={"error": "train"}))
    plan = bench.plan(stages, metrics={"error": "train"}, trial="digits-0-1")
    result = bench.completed(plan)
    assert result.outcome is Outcome.COMPLETED
    assert {stage.outcome for stage in result.stages} == {StageOutcome.CACHED}
    assert {stage.seconds for stage in result.stages} == {0.0}
    assert not Layout(Path(plan.layout)).stage("prepare").output.exists()
    assert len(bench.records(Kind.STAGE, "digits-0-1")) == 2


def test_a_stage_from_another_type_is_predicted(bench: Any) -> None:
    bench.completed(bench.plan({"train": REPORT}))
    changes = {"train": {"instance_type": "gpu", "price_per_hour": 7200.0}}
    plan = bench.plan({"train": REPORT}, trial="digits-0-1", changes=changes)
    (stage,) = bench.completed(plan).stages
    assert stage.predicted
    assert stage.instance_type == "cpu"


def test_cache_never_runs_again(bench: Any) -> None:
    changes = {"train": {"reuse": False}}
    for trial in ("digits-0-0", "digits-0-1"):
        result = bench.completed(bench.plan({"train": REPORT}, trial=trial, changes=changes))
        assert result.stages[0].outcome is StageOutcome.RUN


def test_a_corrupt_artifact_is_made_again(bench: Any) -> None:
    stages = {"prepare": "echo data >$TUNER_OUTPUT_DIR/data", "train": "exit 0"}
    bench.completed(bench.plan(stages))
    for info in list(bench.store.list("cache/local/blobs/")):
        bench.store.put(info.key, b"x" * info.size_bytes)
    stages["train"] = "cat $TUNER_STAGE_PREPARE_DIR/data"
    result = bench.completed(bench.plan(stages, trial="digits-0-1"))
    assert result.outcome is Outcome.COMPLETED
    assert result.stages[0].outcome is StageOutcome.RUN
    assert "checksum" in result.stages[0].message


def test_the_next_segment_restores_what_it_reads(bench: Any) -> None:
    stages = {"prepare": "echo data >$TUNER_OUTPUT_DIR/data; " + REPORT}
    first = bench.completed(bench.plan(stages, last=False))
    assert first.outcome is Outcome.NEXT_SEGMENT
    stages["train"] = "cat $TUNER_STAGE_PREPARE_DIR/data"
    plan = bench.plan(
        stages,
        segment=1,
        attempt=2,
        changes={"prepare": {"run": False}},
        metrics={"error": "prepare"},
    )
    second = bench.completed(plan)
    assert second.outcome is Outcome.COMPLETED
    assert [stage.stage for stage in second.stages] == ["prepare", "train"]
    assert [stage.outcome for stage in second.stages] == [StageOutcome.RUN] * 2
    assert second.metrics["error"] == 0.5
    assert [(one.attempt, one.part) for one in bench.records(Kind.STAGE)] == [
        (1, "prepare"),
        (2, "train"),
    ]


def test_a_missing_prefix_is_told(bench: Any) -> None:
    plan = bench.plan(
        {"prepare": "exit 0", "train": "exit 0"}, segment=1, changes={"prepare": {"run": False}}
    )
    result = bench.completed(plan)
    assert result.outcome is Outcome.PREFIX_MISSING
    assert "prepare" in result.message


def test_a_timeout_fails_the_trial(bench: Any) -> None:
    changes = {"train": {"timeout_seconds": 0.2}}
    result = bench.completed(bench.plan({"train": "exec sleep 600"}, changes=changes))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "Timeout")


def test_a_poor_trial_is_stopped_at_a_rung(bench: Any, epochs: FidelityPlan, train: str) -> None:
    for number in range(3):
        bench.log.put_rung(0, 1.0, trial=f"digits-1-{number}", attempt=1, vector=[0.01])
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    result = bench.completed(plan)
    assert (result.outcome, result.reason) == (Outcome.STOPPED, "Rung")
    assert result.message == "rung 1: 4th of 4, stopped"
    assert result.stages[0].outcome is StageOutcome.STOPPED
    assert result.checkpoint
    assert bench.log.get_decision(0, 1.0, trial="digits-0-0").verb == "Stop"
    assert not list(bench.store.list("cache/local/stages/"))


def test_a_good_trial_goes_on(bench: Any, epochs: FidelityPlan, train: str) -> None:
    bench.log.put_rung(0, 1.0, trial="digits-1-0", attempt=1, vector=[0.99])
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    result = bench.completed(plan)
    assert result.outcome is Outcome.COMPLETED
    assert result.fidelity == 3.0
    assert result.metrics["loss"] == 0.6
    (mine,) = [one for one in bench.log.list_rung(0, 1.0) if one.trial == "digits-0-0"]
    assert mine.vector == (0.8,)


def test_a_stored_decision_is_obeyed(bench: Any, epochs: FidelityPlan, train: str) -> None:
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    for number in range(3):
        bench.log.put_rung(0, 1.0, trial=f"digits-1-{number}", attempt=1, vector=[0.01])
    assert bench.completed(plan).reason == "Rung"
    bench.store.delete([info.key for info in bench.store.list(f"{plan.study_prefix}/rungs/")])
    again = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"}, attempt=2)
    bench.store.delete([i.key for i in bench.store.list(f"{plan.study_prefix}/checkpoints/")])
    assert bench.completed(again).reason == "Rung"


def test_mode_restart_trains_each_level_from_scratch(bench: Any, epochs: FidelityPlan) -> None:
    script = (
        "[ ! -e $TUNER_CHECKPOINT_DIR/x ] || exit 9; touch $TUNER_CHECKPOINT_DIR/x;"
        'echo "{\\"loss\\": $TUNER_FIDELITY}" >>$TUNER_REPORTS'
    )
    fidelity = replace(epochs, restart=True)
    plan = bench.plan({"train": script}, fidelity=fidelity, metrics={"loss": "train"})
    result = bench.completed(plan)
    assert result.outcome is Outcome.COMPLETED
    assert result.fidelity == 3.0
    assert result.metrics["loss"] == 3.0
    (mine,) = bench.log.list_rung(0, 1.0)
    assert mine.vector == (1.0,)
    assert result.stages[0].first_run_seconds > result.stages[0].seconds


def test_mode_restart_stops_at_a_rung(bench: Any, epochs: FidelityPlan) -> None:
    for number in range(3):
        bench.log.put_rung(0, 1.0, trial=f"digits-1-{number}", attempt=1, vector=[0.01])
    script = 'echo "{\\"loss\\": $TUNER_FIDELITY}" >>$TUNER_REPORTS'
    fidelity = replace(epochs, restart=True)
    plan = bench.plan({"train": script}, fidelity=fidelity, metrics={"loss": "train"})
    result = bench.completed(plan)
    assert (result.outcome, result.fidelity) == (Outcome.STOPPED, 1.0)


def test_a_paused_trial_goes_on_from_its_checkpoint(
    bench: Any, epochs: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    reported = Layout(Path(plan.layout)).stage("train").reports
    paused = bench.completed(
        plan,
        command=bench.when(
            lambda: reported.exists() and reported.stat().st_size > 0,
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


@pytest.fixture
def promoting(epochs: FidelityPlan) -> FidelityPlan:
    """Rung 1 of 3, where all but the best third wait to be promoted."""
    return replace(epochs, promotes=True)


def test_a_rung_pauses_a_trial_until_it_is_promoted(
    bench: Any, promoting: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=promoting, metrics={"loss": "train"})
    paused = bench.completed(plan)
    assert (paused.outcome, paused.reason, paused.rung) == (Outcome.PAUSED, "Rung", 1.0)
    assert paused.message == "rung 1: 1st of 1, paused"
    assert paused.checkpoint
    # Started again by mistake, or after its pod was lost, it does not pass its rung.
    again = bench.plan({"train": train}, fidelity=promoting, metrics={"loss": "train"}, attempt=2)
    held = bench.completed(again)
    assert (held.outcome, held.rung) == (Outcome.PAUSED, 1.0)
    assert held.stages[0].seconds == 0.0
    assert held.stages[0].first_run_seconds == pytest.approx(paused.stages[0].seconds)
    monkeypatch.setenv("PACE", "0")
    promoted = replace(promoting, promoted=1.0)
    last = bench.plan({"train": train}, fidelity=promoted, metrics={"loss": "train"}, attempt=3)
    result = bench.completed(last)
    assert (result.outcome, result.fidelity, result.rung) == (Outcome.COMPLETED, 3.0, None)
    fidelities = [
        report["fidelity"]
        for record in bench.records(Kind.REPORTS)
        if record.attempt == 3
        for report in record.body["reports"]
    ]
    assert min(fidelities) > 1.0
    assert bench.log.get_decision(0, 1.0, trial="digits-0-0").verb == "Pause"


def test_without_a_checkpoint_a_promoted_trial_passes_its_rung_from_the_beginning(
    bench: Any, promoting: FidelityPlan, train: str
) -> None:
    script = train.replace("$TUNER_CHECKPOINT_DIR", "/nowhere").replace(
        "echo $k >/nowhere/new\n    mv /nowhere/new /nowhere/k", ":"
    )
    plan = bench.plan({"train": script}, fidelity=promoting, metrics={"loss": "train"})
    assert bench.completed(plan).outcome is Outcome.PAUSED
    promoted = replace(promoting, promoted=1.0)
    again = bench.plan({"train": script}, fidelity=promoted, metrics={"loss": "train"}, attempt=2)
    assert bench.completed(again).outcome is Outcome.COMPLETED


def test_mode_restart_trains_the_next_level_after_a_promotion(
    bench: Any, promoting: FidelityPlan
) -> None:
    script = 'echo "{\\"loss\\": $TUNER_FIDELITY}" >>$TUNER_REPORTS'
    fidelity = replace(promoting, restart=True)
    plan = bench.plan({"train": script}, fidelity=fidelity, metrics={"loss": "train"})
    paused = bench.completed(plan)
    assert (paused.outcome, paused.rung, paused.fidelity) == (Outcome.PAUSED, 1.0, 1.0)
    promoted = replace(fidelity, promoted=1.0)
    again = bench.plan({"train": script}, fidelity=promoted, metrics={"loss": "train"}, attempt=2)
    result = bench.completed(again)
    assert (result.outcome, result.metrics["loss"]) == (Outcome.COMPLETED, 3.0)
    (stage,) = result.stages
    assert stage.first_run_seconds == pytest.approx(stage.seconds + paused.stages[0].seconds)


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


def test_a_link_to_a_secret_is_not_followed(bench: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cr3t-content")
    plan = bench.plan(
        {
            "train": f"ln -s {secret}/key $TUNER_OUTPUT_DIR/link;"
            f"ln -s {secret} $TUNER_OUTPUT_DIR/folder;"
            f"ln -s {secret}/key $TUNER_CHECKPOINT_DIR/link;"
            f"rm -f $TUNER_REPORTS; ln -s {secret}/key $TUNER_REPORTS"
        }
    )
    bench.completed(plan)
    stored = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert stored
    assert [content for content in stored if b"s3cr3t-content" in content] == []


def test_an_output_folder_that_is_a_link_is_refused(bench: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cr3t-content")
    result = bench.completed(
        bench.plan({"train": f"rmdir $TUNER_OUTPUT_DIR; ln -s {secret} $TUNER_OUTPUT_DIR"})
    )
    assert (result.outcome, result.reason) == (Outcome.FAILED, "Artifact")
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            assert b"s3cr3t-content" not in path.read_bytes()


def test_the_death_of_the_runner_leaves_no_verdict(
    bench: Any, epochs: FidelityPlan, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "600")
    plan = bench.plan({"train": train}, fidelity=epochs, metrics={"loss": "train"})
    layout = Layout(Path(plan.layout))

    def kill() -> None:
        reports = layout.stage("train").reports
        bench.waiting(lambda: reports.exists() and reports.stat().st_size > 0)
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
    reports = Layout(Path(plan.layout)).stage("train").reports
    agent = bench.agent(plan)

    def interrupt() -> None:
        bench.waiting(lambda: reports.exists() and reports.stat().st_size > 0)
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
