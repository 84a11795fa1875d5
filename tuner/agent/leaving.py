"""The way out of an attempt: how it ends, in words, and what is written down of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tuner.agent.accounting import missing_objective
from tuner.agent.jobs import Decided, Job, Write
from tuner.agent.state import Ending, Phase, State
from tuner.agent.writing import agent_result, result_body, stage_body
from tuner.log.records import Kind
from tuner.pipeline.plan import ObjectivePlan, StagePlan, TrialPlan
from tuner.trial import Outcome


def end(plan: TrialPlan, state: State, ending: Ending) -> State:
    """Writes down how the attempt ended, if that is a verdict, and turns to leaving."""
    state = replace(state, ending=ending, phase=Phase.END)
    if ending.outcome is Outcome.STORE_LOST:
        return quit_runner(replace(state, jobs=()))
    state = record_stages(plan, state)
    result = agent_result(plan, state=state)
    if result is not None:
        body = result_body(plan, result=result)
        state = state.with_jobs(Write(kind=Kind.RESULT, part="0", body=body))
    return state if state.jobs else quit_runner(state)


def quit_runner(state: State) -> State:
    """Leaves; there is nobody to tell once the runner is dead."""
    return replace(state, phase=Phase.DONE if state.gone else Phase.QUIT)


def at_rung(decided: Decided) -> Ending:
    """The end of an attempt that its rung stopped or paused."""
    paused = decided.paused_at is not None
    return Ending(
        outcome=Outcome.PAUSED if paused else Outcome.STOPPED,
        reason="Rung",
        message=decided.reason,
        rung=decided.paused_at,
    )


def record_stages(plan: TrialPlan, state: State) -> State:
    """Has the records of stages written that have come to something since."""
    due = [
        stage.name
        for stage in plan.stages
        if stage.run and stage.name in state.results and stage.name not in state.recorded
    ]
    jobs: Iterable[Job] = [
        Write(kind=Kind.STAGE, part=name, body=stage_body(plan, result=state.results[name]))
        for name in due
    ]
    return replace(state.with_jobs(*jobs), recorded=(*state.recorded, *due))


def well(plan: TrialPlan, state: State) -> Ending:
    """The end of an attempt whose stages are all done."""
    lacking = missing_objective(plan, results=state.results, at_end=plan.last)
    if lacking is not None:
        return missing_metric(lacking, stage=lacking.stage)
    if plan.last:
        return Ending(outcome=Outcome.COMPLETED, reason="Completed", message="")
    return Ending(outcome=Outcome.NEXT_SEGMENT, reason="SegmentDone", message="")


def missing_metric(objective: ObjectivePlan, *, stage: str | None) -> Ending:
    """The end for want of an objective's value."""
    who = "No stage" if stage is None else f"Stage {stage} ended well but"
    verb = "reported" if stage is None else "reported no"
    return Ending(
        outcome=Outcome.FAILED,
        reason="MissingMetric",
        message=f"{who} {verb} finite {objective.metric} as its last value."
        if not objective.best
        else f"{who} {verb} finite {objective.metric}.",
    )


def prefix_missing(stage: StagePlan, *, why: str) -> Ending:
    """The end for want of what an earlier segment left."""
    return Ending(
        outcome=Outcome.PREFIX_MISSING,
        reason="PrefixMissing",
        message=f"The artifact of stage {stage.name} is gone: {why}.",
    )


def exit_message(plan: TrialPlan, state: State) -> str:
    """How the stage under way ended, in a sentence."""
    code = state.execution.exit_code
    told = ", killed; perhaps out of memory" if code == 137 else ""
    output = f" {state.execution.output}" if state.execution.output else ""
    return f"Stage {plan.stages[state.index].name} ended with exit code {code}{told}.{output}"
