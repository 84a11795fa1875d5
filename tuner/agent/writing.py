"""The bodies of the records that the agent writes (docs/design/0002)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuner.agent.accounting import reached, saved_usd, trial_metrics
from tuner.agent.progress import Report
from tuner.agent.state import Ending, State
from tuner.pipeline.plan import TrialPlan
from tuner.pipeline.result import AgentResult
from tuner.trial import Outcome, StageResult


def reports_body(
    plan: TrialPlan, *, stage: str, kept: Sequence[Report], seen: int, built_in: Mapping[str, float]
) -> dict[str, Any]:
    """The body of a `reports` record: a batch, with cost and run time up to then.

    Args:
        plan: The trial's plan.
        stage: Who reported.
        kept: What is passed on.
        seen: How many reports the batch stands for.
        built_in: Cost and run time so far.
    """
    return {
        "v": 1,
        "segment": plan.segment,
        "stage": stage,
        "seen": seen,
        "reports": [
            {"fidelity": report.fidelity, "metrics": {**_finite(report.metrics), **built_in}}
            for report in kept
        ],
    }


def stage_body(plan: TrialPlan, *, result: StageResult) -> dict[str, Any]:
    """The body of a `stage` record."""
    return {"v": 1, "segment": plan.segment, **asdict(result)}


def result_body(plan: TrialPlan, *, result: AgentResult) -> dict[str, Any]:
    """The body of the `result` record."""
    body = {"v": 1, "segment": plan.segment, **asdict(result)}
    del body["key"]
    return body


def agent_result(plan: TrialPlan, *, state: State) -> AgentResult | None:
    """How the attempt ended; None without a verdict."""
    ending = state.ending
    if ending is None or ending.outcome is None:
        return None
    return _result(plan, state=state, ending=ending, outcome=ending.outcome)


def _result(plan: TrialPlan, *, state: State, ending: Ending, outcome: Outcome) -> AgentResult:
    return AgentResult(
        outcome=outcome,
        reason=ending.reason,
        message=ending.message,
        fidelity=reached(plan, state=state, ending=ending),
        metrics=trial_metrics(plan, results=state.results.values()),
        stages=tuple(state.results.values()),
        saved_usd=saved_usd(plan, results=state.results),
        checkpoint=state.checkpoint,
        key=state.key,
        warnings=state.warnings,
        rung=ending.rung,
    )


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
