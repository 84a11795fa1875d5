from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.agent import events, jobs
from tuner.agent.accounting import built_ins, rung_vector
from tuner.agent.machine import Machine
from tuner.agent.progress import Progress, Report, Values
from tuner.agent.signals import exit_code, signals, stop_seconds
from tuner.agent.state import Phase, State, state_from_json, state_to_json
from tuner.agent.writing import agent_result
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan
from tuner.trial import Command, Outcome, StageOutcome


def _stage(name: str, **changes: Any) -> StagePlan:
    stage = StagePlan(
        name=name,
        argv=("x",),
        env={},
        parameters={},
        key="0" * 64,
        reuse=True,
        instance_type="cpu",
        price_per_hour=3600.0,
        timeout_seconds=None,
        run=True,
    )
    return replace(stage, **changes)


def _objective(metric: str, stage: str | None = None) -> ObjectivePlan:
    return ObjectivePlan(metric=metric, minimize=True, best=False, stage=stage)


FIDELITY = FidelityPlan(
    name="epoch", stage="train", maximum=9.0, rungs=(1.0, 3.0), reduction_factor=3.0, restart=False
)
PLAN = TrialPlan(
    study_prefix="studies/local/s.local",
    cache_prefix="cache/local",
    trial="s-0-0",
    attempt=1,
    segment=0,
    last=True,
    bracket=0,
    stages=(_stage("prepare"), _stage("train")),
    objectives=(_objective("loss", "train"), _objective("cost")),
    fidelity=FIDELITY,
    grace_seconds=90.0,
    layout="/tuner",
)
MACHINE = Machine(plan=PLAN, compared=PLAN.objectives)
ANSWERS: dict[type, jobs.Answer] = {
    jobs.Lookup: jobs.Miss(why="never stored"),
    jobs.Restore: jobs.Restored(seconds=0.5),
    jobs.Prepare: jobs.Prepared(),
    jobs.Write: jobs.Done(key="key"),
    jobs.Decide: jobs.Decided(stop=False, reason=""),
    jobs.Save: jobs.Saved(saved=True),
    jobs.Store: jobs.Done(),
}


def _settle(state: State, machine: Machine = MACHINE, *, at: float = 100.0) -> State:
    """Answers jobs until none is left."""
    while state.jobs:
        answer = ANSWERS[type(state.jobs[0])]
        state = machine.apply(state, events.Answered(answer=answer, at=at))
    return state


def _running(machine: Machine = MACHINE) -> State:
    """The stage `train` has just started."""
    state = _settle(machine.apply(State(), events.Begun()), machine)
    for event in (
        events.Started(number=1, at=100.0),
        events.Exited(number=1, code=0, at=110.0),
    ):
        state = machine.apply(state, event)
    state = _settle(state, machine, at=110.0)
    return machine.apply(state, events.Started(number=2, at=110.0))


def _taken(*epochs: int, offset: int = 10, at: float = 115.0) -> events.Taken:
    reports = tuple(Report(metrics={"loss": 0.1 * k}, fidelity=float(k)) for k in epochs)
    return events.Taken(reports=reports, kept=reports, offset=offset, at=at)


def test_a_pipeline_step_by_step() -> None:
    state = _running()
    assert (state.phase, state.index) == (Phase.RUN, 1)
    assert signals(PLAN, before=None, after=state) == ("run train 2",)
    state = MACHINE.apply(state, _taken(1, 2, 3, 9))
    assert [type(job).__name__ for job in state.jobs] == ["Write", "Decide", "Decide"]
    state = MACHINE.apply(state, events.Exited(number=2, code=0, at=120.0))
    assert state.phase is Phase.SETTLE
    state = _settle(state)
    assert state.phase is Phase.QUIT
    assert signals(PLAN, before=None, after=state) == ("quit 0",)
    state = MACHINE.apply(state, events.RunnerGone(at=121.0))
    assert state.phase is Phase.DONE
    result = agent_result(PLAN, state=state)
    assert result is not None
    assert result.outcome is Outcome.COMPLETED
    assert result.metrics == pytest.approx({"loss": 0.9, "cost": 20.0, "runtime": 20.0})
    assert result.fidelity == 9.0
    assert result.key == "key"


@pytest.mark.parametrize(
    ("maker", "outcome", "seconds"),
    [("s-0-7", StageOutcome.CACHED, 0.5), (PLAN.trial, StageOutcome.RUN, 0.0)],
)
def test_a_cached_stage_takes_what_its_restore_takes(
    maker: str, outcome: StageOutcome, seconds: float
) -> None:
    state = MACHINE.apply(State(), events.Begun())
    hit = jobs.Hit(facts=jobs.Facts(trial=maker, instance_type="cpu", seconds=10.0))
    state = MACHINE.apply(state, events.Answered(answer=hit, at=100.0))
    assert state.results["prepare"].seconds == 0.0
    state = _settle(state)
    result = state.results["prepare"]
    assert (result.outcome, result.seconds, result.cost_usd) == (outcome, seconds, seconds)
    assert result.first_run_seconds == 10.0
    assert state.restored == ("prepare",)


def test_the_rung_vector_is_that_of_the_report_that_reached_it() -> None:
    state = MACHINE.apply(_running(), _taken(1, 2, 4))
    decides = [job for job in state.jobs if isinstance(job, jobs.Decide)]
    assert [job.level for job in decides] == [1.0, 3.0]
    assert decides[0].vector == pytest.approx((0.1, 15.0))
    assert decides[1].vector == pytest.approx((0.4, 15.0))


def test_a_stop_at_a_rung_tells_the_stage_and_drops_later_decisions() -> None:
    state = MACHINE.apply(_running(), _taken(1, 4))
    state = MACHINE.apply(state, events.Answered(answer=jobs.Done(), at=116.0))
    before = state
    stop = jobs.Decided(stop=True, reason="rung 1: 2nd of 2, stopped")
    state = MACHINE.apply(state, events.Answered(answer=stop, at=116.0))
    assert not [job for job in state.jobs if isinstance(job, jobs.Decide)]
    assert signals(PLAN, before=before, after=state) == ("stop 60",)
    state = MACHINE.apply(state, _taken(9, offset=20))
    assert not [job for job in state.jobs if isinstance(job, jobs.Decide)]
    state = _settle(MACHINE.apply(state, events.Exited(number=2, code=143, at=117.0)))
    result = agent_result(PLAN, state=state)
    assert result is not None
    assert (result.outcome, result.reason) == (Outcome.STOPPED, "Rung")
    assert exit_code(state) == 0
    assert not [job for job in state.jobs if isinstance(job, jobs.Store)]


def test_a_pause_at_a_rung_saves_a_checkpoint_and_names_the_rung() -> None:
    state = MACHINE.apply(_running(), _taken(1))
    state = MACHINE.apply(state, events.Answered(answer=jobs.Done(), at=116.0))
    pause = jobs.Decided(stop=True, reason="rung 1: 1st of 1, paused", paused_at=1.0)
    before, state = state, MACHINE.apply(state, events.Answered(answer=pause, at=116.0))
    assert signals(PLAN, before=before, after=state) == ("stop 60",)
    state = MACHINE.apply(state, events.Exited(number=2, code=143, at=117.0))
    assert [job.final for job in state.jobs if isinstance(job, jobs.Save)] == [True]
    result = agent_result(PLAN, state=_settle(state))
    assert result is not None
    assert (result.outcome, result.reason, result.rung) == (Outcome.PAUSED, "Rung", 1.0)
    assert result.stages[-1].outcome is StageOutcome.STOPPED


def test_rungs_reached_while_a_pause_is_under_way_are_decided_when_the_trial_goes_on() -> None:
    state = MACHINE.apply(_running(), _taken(1, 2))
    state = MACHINE.apply(state, events.Answered(answer=jobs.Done(), at=116.0))
    pause = jobs.Decided(stop=True, reason="rung 1: 1st of 1, paused", paused_at=1.0)
    state = MACHINE.apply(state, events.Answered(answer=pause, at=116.0))
    state = MACHINE.apply(state, _taken(3, offset=20, at=117.0))
    assert not [job for job in state.jobs if isinstance(job, jobs.Decide)]
    state = MACHINE.apply(state, events.Exited(number=2, code=143, at=118.0))
    state = MACHINE.apply(state, events.Answered(answer=jobs.Done(), at=118.0))
    (save,) = [job for job in state.jobs if isinstance(job, jobs.Save)]
    progress = Progress.from_dict(json.loads(json.dumps(save.progress.to_dict())))
    assert progress.due == ((3.0, pytest.approx((0.3, 17.0))),)
    again = MACHINE.apply(State(index=1), events.Begun())
    again = MACHINE.apply(again, events.Answered(answer=jobs.Miss(why="x"), at=1.0))
    again = MACHINE.apply(again, events.Answered(answer=jobs.Prepared(progress=progress), at=2.0))
    (decide,) = [job for job in again.jobs if isinstance(job, jobs.Decide)]
    assert (decide.level, decide.vector) == progress.due[0]
    again = MACHINE.apply(again, events.Started(number=1, at=2.0))
    again = MACHINE.apply(again, _taken(4, at=12.0))
    assert [job for job in again.jobs if isinstance(job, jobs.Decide)] == [decide]


def test_in_mode_restart_a_pause_notes_that_the_next_level_is_due() -> None:
    machine = replace(MACHINE, plan=replace(PLAN, fidelity=replace(FIDELITY, restart=True)))
    state = _running(machine)
    state = machine.apply(state, events.Exited(number=2, code=0, at=125.0))
    pause = jobs.Decided(stop=True, reason="rung 1: 1st of 1, paused", paused_at=1.0)
    state = machine.apply(state, events.Answered(answer=pause, at=126.0))
    (save,) = [job for job in state.jobs if isinstance(job, jobs.Save)]
    assert (save.progress.level, save.progress.seconds) == (1, pytest.approx(15.0))
    result = agent_result(machine.plan, state=_settle(state, machine))
    assert result is not None
    assert (result.outcome, result.rung, result.fidelity) == (Outcome.PAUSED, 1.0, 1.0)


@pytest.mark.parametrize("restart", [False, True])
def test_a_stage_that_its_rung_holds_does_not_run_again(restart: bool) -> None:
    machine = replace(MACHINE, plan=replace(PLAN, fidelity=replace(FIDELITY, restart=restart)))
    state = machine.apply(State(index=1), events.Begun())
    state = machine.apply(state, events.Answered(answer=jobs.Miss(why="x"), at=1.0))
    progress = Progress(fidelity=0.0 if restart else 1.0, seconds=40.0, level=int(restart))
    held = jobs.Decided(stop=True, reason="rung 1: 1st of 1, paused", paused_at=1.0)
    answer = jobs.Prepared(progress=progress, held=held)
    before, state = state, machine.apply(state, events.Answered(answer=answer, at=2.0))
    assert not any(line.startswith("run") for line in signals(PLAN, before=before, after=state))
    state = _settle(state, machine)
    result = agent_result(machine.plan, state=state)
    assert result is not None
    assert (result.outcome, result.rung, result.fidelity) == (Outcome.PAUSED, 1.0, 1.0)
    assert result.stages[-1].first_run_seconds == 40.0
    assert result.stages[-1].seconds == 0.0


def test_a_stop_that_comes_after_the_end_counts_all_the_same() -> None:
    state = MACHINE.apply(_running(), _taken(1, 9))
    state = MACHINE.apply(state, events.Exited(number=2, code=0, at=116.0))
    state = MACHINE.apply(state, events.Answered(answer=jobs.Done(), at=116.0))
    stop = jobs.Decided(stop=True, reason="stopped")
    state = _settle(MACHINE.apply(state, events.Answered(answer=stop, at=116.0)))
    assert state.ending is not None
    assert state.ending.reason == "Rung"


def test_a_checkpoint_follows_a_continued_rung_and_the_time() -> None:
    state = _settle(MACHINE.apply(_running(), _taken(1)), at=116.0)
    assert state.checkpoint
    assert not MACHINE.apply(state, events.Tick(at=150.0)).jobs
    (job,) = MACHINE.apply(state, events.Tick(at=176.0)).jobs
    assert isinstance(job, jobs.Save)
    assert job.progress.seconds == 66.0
    assert not job.final


@pytest.mark.parametrize(
    ("command", "outcome"),
    [(Command.CHECKPOINT, Outcome.PAUSED), (Command.STOP, Outcome.STOPPED)],
)
def test_commands_end_the_trial_wherever_it_is(command: Command, outcome: Outcome) -> None:
    told = events.Commanded(command=command, reason="Budget")
    early = _settle(MACHINE.apply(MACHINE.apply(State(), events.Begun()), told))
    running = MACHINE.apply(_running(), told)
    running = _settle(MACHINE.apply(running, events.Exited(number=2, code=0, at=120.0)))
    first = MACHINE.apply(State(), events.Begun())
    first = MACHINE.apply(_settle(first), events.Started(number=1, at=100.0))
    storing = MACHINE.apply(first, events.Exited(number=1, code=0, at=101.0))
    storing = _settle(MACHINE.apply(storing, told))
    for state in (early, running, storing):
        assert state.phase is Phase.QUIT
        assert state.ending is not None
        assert (state.ending.outcome, state.ending.reason) == (outcome, "Budget")
    assert storing.results["prepare"].outcome == "Run"


@pytest.mark.parametrize(
    "event", [events.Signalled(), events.Commanded(command=Command.STOP, reason="Budget")]
)
def test_what_comes_while_the_last_artifact_is_stored_is_too_late(event: events.Event) -> None:
    state = _settle(MACHINE.apply(_running(), _taken(9)))
    state = MACHINE.apply(state, events.Exited(number=2, code=0, at=120.0))
    assert state.phase is Phase.STORE
    state = _settle(MACHINE.apply(state, event))
    assert state.phase is Phase.QUIT
    assert state.ending is not None
    assert state.ending.outcome is Outcome.COMPLETED


@pytest.mark.parametrize("event", [events.Signalled(), events.Interrupted()])
def test_being_taken_away_leaves_no_verdict(event: events.Event) -> None:
    state = MACHINE.apply(_running(), event)
    state = MACHINE.apply(state, events.Exited(number=2, code=0, at=120.0))
    assert [job for job in state.jobs if isinstance(job, jobs.Save) and job.final]
    state = _settle(state)
    assert state.phase is Phase.QUIT
    assert agent_result(PLAN, state=state) is None
    assert exit_code(state) == 143


def test_an_interrupted_agent_does_not_wait_for_a_runner_that_never_comes() -> None:
    early = events.Commanded(command=Command.STOP)
    state = _settle(MACHINE.apply(MACHINE.apply(State(), events.Begun()), early))
    assert state.phase is Phase.QUIT
    state = MACHINE.apply(state, events.Interrupted())
    assert state.phase is Phase.DONE
    assert agent_result(PLAN, state=state) is not None


def test_a_lost_store_is_told_without_a_record() -> None:
    state = MACHINE.apply(_running(), _taken(1))
    before = state
    state = MACHINE.apply(state, events.StoreAway(message="no route"))
    assert not state.jobs
    assert signals(PLAN, before=before, after=state) == ("stop 60",)
    state = MACHINE.apply(state, events.Exited(number=2, code=143, at=120.0))
    assert state.phase is Phase.QUIT
    result = agent_result(PLAN, state=state)
    assert result is not None
    assert result.outcome is Outcome.STORE_LOST


def test_a_timeout_is_a_failure() -> None:
    stages = (PLAN.stages[0], replace(PLAN.stages[1], timeout_seconds=30.0))
    machine = replace(MACHINE, plan=replace(PLAN, stages=stages))
    state = _running(machine)
    assert machine.apply(state, events.Tick(at=140.0)) == state
    late = machine.apply(state, events.Tick(at=140.5))
    assert late.ending is not None
    assert (late.ending.outcome, late.ending.reason) == (Outcome.FAILED, "Timeout")


def test_a_cached_stage_without_the_objective_runs() -> None:
    state = MACHINE.apply(State(index=1), events.Begun())
    hit = jobs.Hit(facts=jobs.Facts(trial="other", instance_type="cpu", seconds=5.0))
    state = MACHINE.apply(state, events.Answered(answer=hit, at=1.0))
    assert isinstance(state.jobs[0], jobs.Prepare)
    assert "no value of loss" in state.misses["train"]


def test_a_resumed_stage_does_not_meet_its_rungs_again() -> None:
    state = MACHINE.apply(State(index=1), events.Begun())
    state = MACHINE.apply(state, events.Answered(answer=jobs.Miss(why="x"), at=1.0))
    values = {"loss": Values(last=0.1, low=0.1, high=0.5)}
    progress = Progress(values=values, fidelity=2.0, seconds=40.0)
    state = MACHINE.apply(state, events.Answered(answer=jobs.Prepared(progress=progress), at=2.0))
    state = MACHINE.apply(state, events.Started(number=1, at=2.0))
    state = MACHINE.apply(state, _taken(3, at=12.0))
    (decide,) = [job for job in state.jobs if isinstance(job, jobs.Decide)]
    assert decide.level == 3.0
    assert decide.vector[1] == pytest.approx(50.0)


def test_built_ins_of_one_stage_only() -> None:
    plan = replace(PLAN, objectives=(_objective("cost", "train"), _objective("runtime")))
    seconds = {"prepare": 10.0, "train": 20.0}
    assert built_ins(plan, seconds=seconds) == {"cost": 20.0, "runtime": 30.0}
    assert built_ins(plan, seconds={"prepare": 10.0}) == {"runtime": 10.0}


def test_unknown_values_are_none_in_a_vector() -> None:
    progress = Progress().then([Report(metrics={"loss": float("nan")})])
    vector = rung_vector(PLAN.objectives, progress=progress, built_in={})
    assert vector == (None, None)


def test_the_flush_time_is_taken_from_the_grace() -> None:
    assert stop_seconds(PLAN) == 60.0
    assert stop_seconds(replace(PLAN, grace_seconds=10.0)) == 1.0
    assert stop_seconds(replace(PLAN, grace_seconds=0.5)) == 0.5


def test_a_held_trial_is_ready_and_starts_when_it_is_released() -> None:
    state = _settle(MACHINE.apply(State(), events.Begun(hold_until=160.0)))
    assert (state.phase, state.hold_until) == (Phase.HOLD, 160.0)
    assert signals(PLAN, before=None, after=state) == ()
    state = MACHINE.apply(state, events.Tick(at=159.0))
    assert state.phase is Phase.HOLD
    state = MACHINE.apply(state, events.Released(at=159.5))
    assert (state.phase, state.saved_at) == (Phase.RUN, 159.5)
    assert signals(PLAN, before=None, after=state) == ("run prepare 1",)
    assert MACHINE.apply(state, events.Tick(at=161.0)).phase is Phase.RUN


def test_a_trial_released_before_it_is_ready_does_not_wait() -> None:
    state = MACHINE.apply(State(), events.Begun(hold_until=160.0))
    state = _settle(MACHINE.apply(state, events.Released(at=100.0)))
    assert state.phase is Phase.RUN


def test_decisions_put_off_are_taken_once_the_trial_has_a_place() -> None:
    progress = replace(Progress(), fidelity=3.0, due=((3.0, (0.1, 5.0)),))
    prepared = {**ANSWERS, jobs.Prepare: jobs.Prepared(progress=progress)}
    state = MACHINE.apply(State(index=1), events.Begun(hold_until=160.0))
    while state.jobs:
        answer = prepared[type(state.jobs[0])]
        state = MACHINE.apply(state, events.Answered(answer=answer, at=100.0))
    assert (state.phase, state.progress.due) == (Phase.HOLD, progress.due)
    state = MACHINE.apply(state, events.Released(at=110.0))
    assert [type(job) for job in state.jobs] == [jobs.Decide]


@pytest.mark.parametrize("ready", [False, True])
def test_a_hold_that_is_over_ends_the_attempt_and_nothing_has_run(ready: bool) -> None:
    state = MACHINE.apply(State(), events.Begun(hold_until=160.0))
    state = _settle(state) if ready else state
    state = _settle(MACHINE.apply(state, events.Tick(at=160.0)))
    assert state.phase is Phase.QUIT
    result = agent_result(PLAN, state=state)
    assert result is not None
    assert (result.outcome, result.reason, result.stages) == (Outcome.PAUSED, "HoldEnded", ())
    assert MACHINE.apply(state, events.Released(at=161.0)).phase is Phase.QUIT


any_event: st.SearchStrategy[events.Event] = st.one_of(
    st.just(events.Begun()),
    st.just(events.Ready()),
    st.builds(events.Started, number=st.integers(1, 3), at=st.floats(0, 1000)),
    st.builds(
        events.Exited, number=st.integers(1, 3), code=st.integers(0, 255), at=st.floats(0, 1000)
    ),
    st.just(events.Signalled()),
    st.builds(events.RunnerGone, at=st.floats(0, 1000)),
    st.builds(_taken, st.integers(1, 9), offset=st.integers(1, 100)),
    st.builds(events.Commanded, command=st.sampled_from(Command)),
    st.just(events.Interrupted()),
    st.builds(events.Tick, at=st.floats(0, 1000)),
    st.builds(events.StoreAway, message=st.just("away")),
    st.builds(events.Released, at=st.floats(0, 1000)),
)


@given(
    st.lists(st.tuples(any_event, st.booleans()), max_size=30),
    st.booleans(),
    st.sampled_from([None, 0.0, 500.0, 2000.0]),
)
def test_any_course_of_events_can_be_written_down_and_ends(
    course: list[tuple[events.Event, bool]], restart: bool, hold_until: float | None
) -> None:
    machine = replace(MACHINE, plan=replace(PLAN, fidelity=replace(FIDELITY, restart=restart)))
    state = machine.apply(State(), events.Begun(hold_until=hold_until))
    for event, answer in course:
        if isinstance(event, events.Begun):
            continue
        state = machine.apply(state, event)
        if answer and state.jobs:
            given_answer = ANSWERS[type(state.jobs[0])]
            state = machine.apply(state, events.Answered(answer=given_answer, at=500.0))
        assert state.hold_until is None or not state.execution.number, "it runs while it is held"
        written = state_to_json(state)
        assert state_to_json(state_from_json(written)) == written
        signals(machine.plan, before=None, after=state)
    state = _settle(machine.apply(state, events.RunnerGone(at=1000.0)), machine)
    assert state.phase is Phase.DONE
    assert state.ending is not None


def test_a_state_of_another_version_is_refused() -> None:
    document = json.loads(state_to_json(State()))
    with pytest.raises(ValueError, match="another version"):
        state_from_json(json.dumps({**document, "v": 99}))
