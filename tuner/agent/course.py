"""From stage to stage: what follows once the jobs of a phase are done. Pure.

The way of a stage: LOOKUP -> (cached: next stage) or RESTORE of what it reads -> PREPARE -> (made
ahead: HOLD until a place is free) -> RUN -> SETTLE (all that it reported is written and decided) ->
STORE -> next stage. The way out, in `leaving`: END (the result is written) -> QUIT (the runner is
told) -> DONE.
"""

from __future__ import annotations

from dataclasses import replace

from tuner.agent.accounting import cached_result, missing_objective, run_result, with_restore
from tuner.agent.jobs import (
    Decide,
    Facts,
    Hit,
    Lookup,
    Miss,
    Prepare,
    Prepared,
    Restore,
    Restored,
    Save,
    Store,
    Write,
)
from tuner.agent.leaving import (
    at_rung,
    end,
    exit_message,
    missing_metric,
    prefix_missing,
    quit_runner,
    record_stages,
    well,
)
from tuner.agent.progress import Progress, rungs_passed
from tuner.agent.state import Ending, Execution, Phase, State
from tuner.pipeline.plan import TrialPlan
from tuner.trial import Outcome, StageOutcome


def begin(plan: TrialPlan, state: State) -> State:
    """Turns to the stage at `index`, or to the end after the last one."""
    over = state.index == len(plan.stages)
    # Of a pipeline that is over there is nothing left to stop: what it came to is not thrown away.
    if state.halt is not None and not (over and plan.last):
        return end(plan, state, state.halt)
    if over:
        return end(plan, state, well(plan, state))
    stage = plan.stages[state.index]
    state = replace(state, phase=Phase.LOOKUP)
    if stage.run and (not stage.reuse or stage.name in state.refused):
        return _fetch(plan, state)
    return state.with_jobs(Lookup(index=state.index))


def looked_up(plan: TrialPlan, state: State, answer: Hit | Miss) -> State:
    """Goes on with a stage that is cached or is not."""
    stage = plan.stages[state.index]
    if isinstance(answer, Hit):
        result = cached_result(plan, stage=stage, facts=answer.facts)
        lacking = missing_objective(plan, results={stage.name: result}, at_end=False)
        if lacking is None or not stage.run:
            facts = {**state.facts, stage.name: answer.facts}
            state = replace(state.with_result(result), facts=facts, index=state.index + 1)
            return begin(plan, state)
        answer = Miss(why=f"the cached artifact has no value of {lacking.metric}")
    if not stage.run:
        return end(plan, state, prefix_missing(stage, why=answer.why))
    return _fetch(plan, replace(state, misses={**state.misses, stage.name: answer.why}))


def restored(plan: TrialPlan, state: State, answer: Restored | Miss, *, index: int) -> State:
    """Takes note of an output on disk and what that took; one that is gone is made again."""
    stage = plan.stages[index]
    if isinstance(answer, Restored):
        state = replace(state, restored=(*state.restored, stage.name))
        result = state.results.get(stage.name)
        if result is None:
            return state
        return state.with_result(with_restore(result, stage=stage, seconds=answer.seconds))
    if not stage.run:
        return end(plan, state, prefix_missing(stage, why=answer.why))
    state = replace(
        state,
        index=index,
        jobs=(),
        refused=(*state.refused, stage.name),
        misses={**state.misses, stage.name: answer.why},
        facts={name: facts for name, facts in state.facts.items() if name != stage.name},
        results={name: result for name, result in state.results.items() if name != stage.name},
    )
    return begin(plan, state)


def prepared(plan: TrialPlan, state: State, answer: Prepared, *, at: float) -> State:
    """Starts the stage's command, unless a rung that it has passed or a want of places holds it."""
    progress = answer.progress or state.progress
    if answer.held is not None:
        held = replace(state, progress=progress, execution=Execution(number=state.execution.number))
        return _held(plan, held, at_rung(answer.held))
    checkpoint = state.checkpoint or answer.progress is not None
    state = replace(state, progress=progress, checkpoint=checkpoint)
    if state.hold_until is not None:
        return replace(state, phase=Phase.HOLD)
    return _start(plan, state, at=at)


def released(plan: TrialPlan, state: State, *, at: float) -> State:
    """Takes note of a place; what is prepared starts."""
    holds = state.phase is Phase.HOLD
    state = replace(state, hold_until=None)
    return _start(plan, state, at=at) if holds else state


def is_over(plan: TrialPlan, state: State) -> bool:
    """Whether there is nothing left to do in a phase.

    Records may wait for those that follow, so that all are written at once: not those of a stage
    with fidelity, which others look at, and not once the attempt is going to end early.
    """
    waiting = [job for job in state.jobs if not isinstance(job, Write)]
    if not state.jobs or waiting:
        return not state.jobs
    if state.phase is Phase.SETTLE:
        trains = plan.fidelity is not None and plan.fidelity.stage == plan.stages[state.index].name
        return not trains and state.ending is None and state.execution.exit_code == 0
    return state.phase is Phase.STORE and state.ending is None


def advance(plan: TrialPlan, state: State) -> State:
    """What follows once a phase is over."""
    match state.phase:
        case Phase.RESTORE:
            return _prepare(plan, state)
        case Phase.SETTLE:
            return _settled(plan, state)
        case Phase.STORE if state.ending is not None:
            return end(plan, state, state.ending)
        case Phase.STORE:
            return begin(plan, replace(state, index=state.index + 1))
        case Phase.END:
            return quit_runner(state)
        case _:
            return state


def save(state: State, *, at: float, final: bool) -> State:
    """Has the checkpoint of the stage under way saved."""
    seconds = state.progress.seconds + state.execution.seconds(at)
    job = Save(
        index=state.index,
        sequence=state.sequence,
        progress=replace(state.progress, seconds=seconds),
        final=final,
    )
    return replace(state.with_jobs(job), sequence=state.sequence + 1)


def levels_left(plan: TrialPlan, state: State) -> bool:
    """Whether the stage under way is trained again, further, in mode Restart."""
    fidelity = plan.fidelity
    return (
        fidelity is not None
        and fidelity.restart
        and fidelity.stage == plan.stages[state.index].name
        and state.progress.level < len(fidelity.rungs)
    )


def _start(plan: TrialPlan, state: State, *, at: float) -> State:
    due = [Decide(level=level, vector=vector) for level, vector in state.progress.due]
    return replace(
        state.with_jobs(*due),
        phase=Phase.RUN,
        execution=Execution(number=state.execution.number + 1),
        progress=replace(state.progress, due=()),
        rungs=rungs_passed(plan, stage=plan.stages[state.index], progress=state.progress),
        saved_at=at,
    )


def _fetch(plan: TrialPlan, state: State) -> State:
    needed = [
        Restore(index=index)
        for index, stage in enumerate(plan.stages[: state.index])
        if stage.name in state.facts and stage.name not in state.restored
    ]
    state = replace(state, phase=Phase.RESTORE)
    return state.with_jobs(*needed) if needed else _prepare(plan, state)


def _prepare(plan: TrialPlan, state: State) -> State:
    state = record_stages(plan, state)
    state = replace(state, phase=Phase.PREPARE, progress=Progress(), offset=0)
    return state.with_jobs(Prepare(index=state.index, fresh=True, level=0))


def _settled(plan: TrialPlan, state: State) -> State:
    code = state.execution.exit_code
    if state.ending is None and code != 0:
        ending = Ending(
            outcome=Outcome.FAILED, reason="ExitCode", message=exit_message(plan, state)
        )
        state = replace(state, ending=ending)
    if state.ending is None and state.halt is not None and levels_left(plan, state):
        state = replace(state, ending=state.halt)
    if state.ending is not None:
        return _broken_off(plan, state, state.ending)
    if levels_left(plan, state):
        return _next_level(state)
    return _succeeded(plan, state)


def _succeeded(plan: TrialPlan, state: State) -> State:
    stage = plan.stages[state.index]
    result = run_result(plan, state=state, outcome=StageOutcome.RUN)
    lacking = missing_objective(plan, results={stage.name: result}, at_end=False)
    if lacking is not None:
        return _broken_off(plan, state, missing_metric(lacking, stage=stage.name))
    facts = Facts(
        trial=plan.trial,
        instance_type=stage.instance_type,
        seconds=result.first_run_seconds,
        values=state.progress.values,
    )
    store = Store(index=state.index, facts=facts.to_dict())
    state = replace(state.with_result(result), phase=Phase.STORE, jobs=(store, *state.jobs))
    # The last stage's record is written with the result.
    return state if state.index + 1 == len(plan.stages) else record_stages(plan, state)


def _broken_off(plan: TrialPlan, state: State, ending: Ending) -> State:
    state = replace(state, phase=Phase.STORE, ending=ending)
    if ending.outcome is Outcome.STORE_LOST:
        return end(plan, state, ending)
    if ending.outcome is not None:
        failed = ending.outcome is Outcome.FAILED
        outcome = StageOutcome.FAILED if failed else StageOutcome.STOPPED
        result = run_result(plan, state=state, outcome=outcome, message=ending.message)
        state = record_stages(plan, state.with_result(result))
    if ending.rung is not None and levels_left(plan, state):
        # In mode Restart what was trained up to here is paid for and not gone on from.
        state = _next_level(state, prepare=False)
    elif ending.outcome is not Outcome.FAILED:
        state = save(state, at=state.execution.ended or 0.0, final=True)
    return state if state.jobs else end(plan, state, ending)


def _held(plan: TrialPlan, state: State, ending: Ending) -> State:
    """An earlier attempt was decided and died before it could say so; nothing runs again."""
    result = run_result(plan, state=state, outcome=StageOutcome.STOPPED, message=ending.message)
    return end(plan, state.with_result(result), ending)


def _next_level(state: State, *, prepare: bool = True) -> State:
    """Notes that the next level is due, and what those before it took; prepares it if asked."""
    seconds = state.progress.seconds + state.execution.seconds(state.execution.ended or 0.0)
    level = state.progress.level + 1
    progress = Progress(seconds=seconds, level=level)
    note = Save(index=state.index, sequence=state.sequence, progress=progress, final=False)
    noted = replace(state, sequence=state.sequence + 1)
    if not prepare:
        return noted.with_jobs(note)
    begun = replace(noted, phase=Phase.PREPARE, progress=progress)
    return begun.with_jobs(Prepare(index=state.index, fresh=False, level=level), note)
