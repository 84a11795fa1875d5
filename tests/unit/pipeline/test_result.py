from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.errors import PipelineError
from tuner.pipeline import AgentResult
from tuner.trial import Outcome, StageOutcome, StageResult


def _result(stages: int, *, message: str = "m", metrics: int = 2) -> AgentResult:
    return AgentResult(
        outcome=Outcome.FAILED,
        reason="ExitCode",
        message=message,
        fidelity=3.0,
        metrics={"loss": 0.25, "cost": 1.5},
        stages=tuple(
            StageResult(
                stage=f"stage-{index}",
                outcome=StageOutcome.RUN,
                seconds=1.5,
                cost_usd=0.5,
                first_run_seconds=1.5,
                instance_type="cpu",
                metrics={f"metric-{number}": 0.1 * number for number in range(metrics)},
                exit_code=1,
                message=message,
            )
            for index in range(stages)
        ),
        saved_usd=0.25,
        checkpoint=True,
        key="studies/ml/s.1/log/x.json",
        warnings={"NotFinite": 3},
    )


def test_a_result_survives_json() -> None:
    result = _result(3)
    assert AgentResult.from_json(result.to_json()) == result


@pytest.mark.parametrize("message", ["x" * 5000, "\u20ac" * 5000])
@pytest.mark.parametrize("stages", [1, 4, 12])
def test_it_fits_into_a_termination_message(stages: int, message: str) -> None:
    text = _result(stages, message=message, metrics=20).to_json()
    assert len(text.encode()) <= 4096
    read = AgentResult.from_json(text)
    assert read.outcome is Outcome.FAILED
    assert [stage.seconds for stage in read.stages] == [1.5] * stages


def test_many_metrics_and_long_names_fit_too() -> None:
    """A message that Kubernetes cuts off would be no result at all."""
    metrics = {"loss": 0.25} | {f"average-precision/class {n}": n / 3 for n in range(256)}
    full = _result(3)
    stages = tuple(
        replace(full.stages[0], stage=f"{n}{'s' * 60}", instance_type="t" * 63) for n in range(16)
    )
    text = replace(full, metrics=metrics, stages=stages).to_json()
    assert len(text.encode()) <= 4096
    read = AgentResult.from_json(text)
    assert (read.outcome, read.metrics["loss"], read.key) == (full.outcome, 0.25, full.key)
    assert read.stages[-1].stage == stages[-1].stage


@pytest.mark.parametrize("text", ["", "{}", "null", "Error: boom", '{"outcome": "Dancing"}'])
def test_what_is_no_result_is_refused(text: str) -> None:
    with pytest.raises(PipelineError):
        AgentResult.from_json(text)


def test_it_is_the_trials_result() -> None:
    result = _result(1).trial_result(trial="s-0-0", attempt=2)
    assert (result.trial, result.attempt, result.outcome) == ("s-0-0", 2, Outcome.FAILED)
