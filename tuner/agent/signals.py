"""What the runner is told, derived from the state: so a restarted agent can tell it again."""

from __future__ import annotations

from tuner.agent.state import Phase, State
from tuner.pipeline.plan import TrialPlan
from tuner.trial import Outcome

FLUSH_SECONDS = 30.0
"""Part of the grace period that is kept for storing what the stage left."""

INTERRUPTED_CODE = 143


def signals(plan: TrialPlan, *, before: State | None, after: State) -> tuple[str, ...]:
    """Lines for the control FIFO.

    Every line may be said twice: a run has a number, and the others say how things shall be.

    Args:
        plan: The trial's plan.
        before: The state that the runner was told of; None if it may have heard nothing.
        after: The state now.
    """
    now = _due(plan, state=after)
    earlier = () if before is None else _due(plan, state=before)
    return tuple(line for line in now if line not in earlier)


def stop_seconds(plan: TrialPlan) -> float:
    """How long a stage may go on after SIGTERM: the grace period less the flush time."""
    return max(plan.grace_seconds - FLUSH_SECONDS, min(plan.grace_seconds, 1.0))


def exit_code(state: State) -> int:
    """What the runner, and with it the stage's container, ends with."""
    ending = state.ending
    if ending is None or ending.outcome is None:
        return INTERRUPTED_CODE
    if ending.outcome is Outcome.FAILED:
        return state.execution.exit_code or 1
    return 0


def _due(plan: TrialPlan, *, state: State) -> tuple[str, ...]:
    if state.phase is Phase.QUIT:
        return (f"quit {exit_code(state)}",)
    if state.phase is not Phase.RUN:
        return ()
    name = plan.stages[state.index].name
    start = f"run {name} {state.execution.number}"
    if state.execution.told:
        return (start, f"stop {stop_seconds(plan):g}")
    return (start,)
