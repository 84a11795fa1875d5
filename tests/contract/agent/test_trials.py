"""Whole trials: real runner, real stages, a folder as the store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.log import Kind
from tuner.pipeline.layout import Layout
from tuner.trial import Outcome, StageOutcome

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
