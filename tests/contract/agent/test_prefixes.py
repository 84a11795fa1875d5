"""What is in the cache is not run again, and what is gone is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuner.log import Kind
from tuner.pipeline.layout import Layout
from tuner.trial import Outcome, StageOutcome

REPORT = "echo '{\"error\": 0.5}' >>$TUNER_REPORTS"


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
