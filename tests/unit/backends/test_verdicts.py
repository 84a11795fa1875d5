import pytest

from tuner.backends.attempts import Attempt, Cause, Order, Phase
from tuner.backends.verdicts import classify
from tuner.pipeline import AgentResult, StagePlan, TrialPlan
from tuner.study.budget import Bound, Grant
from tuner.trial import Outcome, StageOutcome, StageResult


def attempt(result=None, *, cause=Cause.NONE, bound=Bound.NONE, segment=0):
    stage = StagePlan(
        name="train",
        argv=("train",),
        env={},
        parameters={},
        key="0" * 64,
        reuse=True,
        instance_type="small",
        price_per_hour=3.6,
        timeout_seconds=None,
        run=True,
    )
    plan = TrialPlan(
        study_prefix="studies/local/s.local-1",
        cache_prefix="cache/local",
        trial="s-0-0",
        attempt=1,
        segment=segment,
        last=True,
        bracket=0,
        stages=(stage,),
        objectives=(),
        fidelity=None,
        grace_seconds=90,
        layout="/tuner",
    )
    grant = Grant(trial="s-0-0", worst_usd=None, deadline_seconds=100, bound=bound)
    return Attempt(
        order=Order(plan=plan, grant=grant),
        phase=Phase.ENDED,
        start=1000,
        end=1100,
        result=result,
        cause=cause,
    )


def result(outcome, reason, *, stages=()):
    return AgentResult(
        outcome=outcome, reason=reason, message="", fidelity=1, metrics={}, stages=stages
    )


def failed_stage(code):
    return StageResult(
        stage="train",
        outcome=StageOutcome.FAILED,
        seconds=1,
        cost_usd=0,
        first_run_seconds=1,
        instance_type="small",
        exit_code=code,
    )


@pytest.mark.parametrize(
    ("ended", "told", "expected"),
    [
        (attempt(result(Outcome.COMPLETED, "Completed")), "", ("Completed", "Completed", "")),
        (attempt(result(Outcome.STOPPED, "Rung")), "", ("Stopped", "Rung", "")),
        (attempt(result(Outcome.STOPPED, "Command")), "", ("Cancelled", "Command", "")),
        (
            attempt(result(Outcome.STOPPED, "Command")),
            "BudgetExhausted",
            ("Cancelled", "BudgetExhausted", ""),
        ),
        (attempt(result(Outcome.PAUSED, "Command")), "Suspended", ("Paused", "Command", "")),
        (
            attempt(result(Outcome.FAILED, "ExitCode", stages=(failed_stage(3),))),
            "",
            ("Failed", "ExitCode", "ExitCode 3 in train"),
        ),
        (
            attempt(
                result(Outcome.STOPPED, "Command"), cause=Cause.DEADLINE, bound=Bound.TRIAL_LIMIT
            ),
            "",
            ("Stopped", "TrialLimit", "TrialLimit"),
        ),
        (attempt(cause=Cause.DEADLINE, bound=Bound.BUDGET), "", ("Cancelled", "Budget", "")),
        (attempt(result(Outcome.NEXT_SEGMENT, "x")), "", ("Starting", "NextSegment", "")),
        (attempt(result(Outcome.PREFIX_MISSING, "x")), "", ("Starting", "PrefixMissing", "")),
        (attempt(cause=Cause.LOST), "", ("Starting", "Preempted", "")),
        (attempt(cause=Cause.CANNOT_START), "", ("Failed", "CannotStart", "CannotStart")),
    ],
)
def test_table_of_verdicts(ended, told, expected):
    verdict = classify(ended, told=told)
    assert (verdict.state, verdict.reason, verdict.failure) == expected
    assert verdict.cost_usd == pytest.approx(0.1)
    assert (verdict.seconds, verdict.instance_type) == (100, "small")


@pytest.mark.parametrize(
    "lost", [attempt(cause=Cause.LOST), attempt(result(Outcome.STORE_LOST, "StoreLost"))]
)
def test_the_infrastructures_failures_are_bounded(lost):
    assert classify(lost, lost_before=4, max_attempts=5).infrastructure
    given_up = classify(lost, lost_before=5, max_attempts=5)
    assert (given_up.state, given_up.reason) == ("Failed", "MaxAttempts")
