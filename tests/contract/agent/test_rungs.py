"""Trials at rungs: stopped, paused, promoted; levels of mode Restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tuner.log import Kind
from tuner.pipeline.plan import FidelityPlan
from tuner.trial import Outcome, StageOutcome


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
