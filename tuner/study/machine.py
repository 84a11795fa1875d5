"""The study as a state machine without I/O: `apply(study, event) -> (study, commands)`.

`record` only takes an event in, `settle` only decides; `apply` is both. After a crash the log's
events are recorded again and settled once, so nothing is asked for twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from types import MappingProxyType

from tuner.study.budget import admit
from tuner.study.claims import Applicant, Grant, Refusal, Wait
from tuner.study.ends import ALIKE, End, end_of
from tuner.study.events import (
    Admit,
    AttemptEnded,
    Charged,
    Ended,
    Event,
    Exhausted,
    Finish,
    Idle,
    Promoted,
    Proposed,
    Started,
    StudyCommand,
    Tell,
    TermsChanged,
    TrialEvent,
    Withdraw,
)
from tuner.study.state import OpenTrial, Study
from tuner.trial import Command

RUNG = "Rung"
"""Why a trial is stopped or paused by its rung, in one word."""

__all__ = ["RUNG", "OpenTrial", "Study", "apply", "record", "replay", "settle"]


def apply(study: Study, event: Event) -> tuple[Study, tuple[StudyCommand, ...]]:
    """Takes the event in and decides what follows from it."""
    return settle(record(study, event), now=event.time)


def replay(study: Study, events: Iterable[Event]) -> Study:
    """Takes in what happened before a crash, deciding nothing; `settle` it afterwards."""
    return reduce(record, events, study)


def record(study: Study, event: Event) -> Study:
    """The study after the event, nothing decided."""
    study = _run_clock(study, now=event.time)
    match event:
        case TermsChanged(terms=terms):
            return replace(study, terms=terms, end=None, finished=False)
        case Exhausted(worker=worker):
            return replace(study, exhausted=study.exhausted | {worker})
        case Idle(worker=worker, trials=trials):
            return replace(study, idle=MappingProxyType({**study.idle, worker: trials}))
        case Proposed():
            return _proposed(study, event)
        case TrialEvent(trial=name) if name in study.trials:
            return _happened(study, event, trial=study.trials[name])
    return study


def settle(study: Study, *, now: float) -> tuple[Study, tuple[StudyCommand, ...]]:
    """What is due now: an end, a suspension, or admissions."""
    admission = admit(
        _applicants(study), running=study.running, terms=study.terms, ledger=study.ledger(now=now)
    )
    end = end_of(
        study.terms,
        tally=study.count(),
        ledger=study.ledger(now=now),
        unaffordable=admission.unaffordable and not study.running,
    )
    # An end stays until the terms change: its cause may go with the last applicant.
    end = end or study.end
    if end is not None:
        return _carry_out(study, end)
    if study.terms.suspended:
        return _tell_all(study, Command.CHECKPOINT, reason="Suspended")
    study, dropped = _drop_used_up(study, admission.refusals)
    return _start(study, admission.grants), (
        *dropped,
        *(Admit(grant=grant) for grant in admission.grants),
    )


def _run_clock(study: Study, *, now: float) -> Study:
    if study.clock_time is None:
        return study
    passed = 0.0 if study.terms.suspended else max(0.0, now - study.clock_time)
    return replace(
        study,
        clock_seconds=study.clock_seconds + passed,
        clock_time=max(now, study.clock_time),
    )


def _proposed(study: Study, event: Proposed) -> Study:
    if event.trial in study.trials:
        return study
    trial = OpenTrial(name=event.trial, created=event.time, price_per_hour=event.price_per_hour)
    tally = replace(study.tally, proposed=study.tally.proposed + 1)
    return replace(_with(study, trial), tally=tally)


def _happened(study: Study, event: TrialEvent, *, trial: OpenTrial) -> Study:
    match event:
        case Started(grant=grant):
            study = study if trial.admitted else replace(study, started=study.started + 1)
            if study.clock_time is None:
                study = replace(study, clock_time=event.time)
            return _with(study, replace(trial, admitted=True, grant=grant or trial.grant))
        case Charged(cost_usd=cost):
            return _with(study, replace(trial, spent_usd=max(cost, trial.spent_usd)))
        case AttemptEnded(cost_usd=cost, seconds=seconds):
            waiting = replace(
                trial,
                grant=None,
                told=None,
                spent_usd=cost,
                spent_seconds=seconds,
                rung=event.rung,
            )
            return _with(study, waiting)
        case Promoted(level=level):
            return _with(study, replace(trial, promoted=max(level, trial.promoted)))
        case Ended():
            return _ended(study, event, trial=trial)
    return study


def _ended(study: Study, event: Ended, *, trial: OpenTrial) -> Study:
    tally = study.tally
    known = {"Completed": "completed", "Stopped": "stopped", "Failed": "failed"}
    counted = "failed" if event.failure else known.get(event.state, "cancelled")
    failures = tuple(tally.first_failures)
    if counted != "cancelled" and len(failures) < ALIKE:
        # A first trial that did not fail leaves an entry of its own, which is like no other.
        failures += (event.failure or event.trial,)
    tally = replace(
        tally,
        first_failures=failures,
        goals_met=tally.goals_met or event.goals_met,
        **{counted: getattr(tally, counted) + 1},
    )
    left = {name: one for name, one in study.trials.items() if name != event.trial}
    uncounted = trial.admitted and counted == "cancelled"
    return replace(
        study,
        trials=MappingProxyType(left),
        tally=tally,
        started=study.started - uncounted,
        spent_usd=study.spent_usd + max(event.cost_usd, trial.spent_usd),
    )


def _carry_out(study: Study, end: End) -> tuple[Study, tuple[StudyCommand, ...]]:
    commands: list[StudyCommand] = []
    for trial in study.trials.values():
        if trial.grant is None:
            state = "Stopped" if trial.waits else "Cancelled"
            ended = Ended(time=0.0, trial=trial.name, state=state, cost_usd=trial.spent_usd)
            study = _ended(study, ended, trial=trial)
            commands.append(_withdrawn(trial, end))
    if end.stop:
        study, told = _tell_all(study, Command.STOP, reason=end.reason)
        commands.extend(told)
    if not study.trials and not (study.finished and study.end == end):
        commands.append(Finish(end=end))
    return replace(study, end=end, finished=not study.trials), tuple(commands)


def _withdrawn(trial: OpenTrial, end: End) -> Withdraw:
    if not trial.waits:
        return Withdraw(trial=trial.name, reason=end.reason, message=end.message)
    message = f"not promoted from rung {trial.rung:g} before the end: {end.message}"
    return Withdraw(trial=trial.name, reason=RUNG, message=message, stopped=True)


def _tell_all(
    study: Study, command: Command, *, reason: str
) -> tuple[Study, tuple[StudyCommand, ...]]:
    due = [
        one for one in study.trials.values() if one.grant is not None and one.told is not command
    ]
    for trial in due:
        study = _with(study, replace(trial, told=command))
    return study, tuple(Tell(trial=one.name, command=command, reason=reason) for one in due)


def _drop_used_up(
    study: Study, refusals: Iterable[Refusal]
) -> tuple[Study, tuple[StudyCommand, ...]]:
    dropped: list[StudyCommand] = []
    for refusal in refusals:
        if refusal.reason is not Wait.LIMIT_USED_UP:
            continue
        trial = study.trials[refusal.trial]
        ended = Ended(
            time=0.0,
            trial=trial.name,
            state="Stopped",
            cost_usd=trial.spent_usd,
            failure="TrialLimit",
        )
        study = _ended(study, ended, trial=trial)
        dropped.append(Withdraw(trial=trial.name, reason="TrialLimit", message=refusal.message))
    return study, tuple(dropped)


def _start(study: Study, grants: Iterable[Grant]) -> Study:
    for grant in grants:
        trial = study.trials[grant.trial]
        started = study.started + (not trial.admitted)
        admitted = replace(trial, admitted=True, grant=grant)
        study = replace(_with(study, admitted), started=started)
    return study


def _applicants(study: Study) -> list[Applicant]:
    return [
        Applicant(
            trial=one.name,
            created=one.created,
            price_per_hour=one.price_per_hour,
            admitted=one.admitted,
            spent_usd=one.spent_usd,
            spent_seconds=one.spent_seconds,
        )
        for one in study.trials.values()
        if one.grant is None and not one.waits
    ]


def _with(study: Study, trial: OpenTrial) -> Study:
    return replace(study, trials=MappingProxyType({**study.trials, trial.name: trial}))
