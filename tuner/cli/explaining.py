"""Explanations from the log of a local study, and from the status of a cluster's trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from tuner.cli.explanation import Explanation, RungLine, StageLine
from tuner.cli.report import TrialRow
from tuner.cli.statuses import row_of
from tuner.log import StudyLog
from tuner.schedulers import make_scheduler
from tuner.spec import StageState, TuningStudy, TuningStudySpec, TuningTrial, Why
from tuner.study.chronicle import Story
from tuner.study.savings import cache_savings
from tuner.trial import StageOutcome, Trial


def from_log(
    story: Story,
    *,
    row: TrialRow,
    log: StudyLog,
    spec: TuningStudySpec,
    prices: Mapping[str, float],
) -> Explanation:
    """A trial of `tuner run`, or of ask and tell.

    Args:
        story: The trial as its log tells it.
        row: How it stands.
        log: For the decisions at rungs.
        spec: The study's.
        prices: USD per hour by instance type.
    """
    trial = story.trial
    fidelity = spec.fidelity
    return Explanation(
        row=row,
        worker=0 if trial is None else trial.worker,
        why=Why() if trial is None else _why(trial),
        metrics=tuple(one.metric for one in spec.objectives),
        fidelity_name="" if fidelity is None else fidelity.name,
        full=1.0 if fidelity is None else float(fidelity.max),
        stages=tuple(_stages(story, prices=prices)),
        rungs=tuple(_rungs(trial, log=log, spec=spec)) if trial and fidelity else (),
        attempts=story.attempts,
        lost=sum(verdict.infrastructure for verdict in story.verdicts.values()),
    )


def from_status(study: TuningStudy, trial: TuningTrial) -> Explanation:
    """A trial of a cluster; its decisions at rungs are in the store alone."""
    status, fidelity = trial.status, study.spec.fidelity
    return Explanation(
        row=row_of(study, trial),
        worker=trial.spec.worker,
        why=trial.spec.why or Why(),
        metrics=tuple(one.metric for one in study.spec.objectives),
        fidelity_name="" if fidelity is None else fidelity.name,
        full=1.0 if fidelity is None else float(fidelity.max),
        stages=tuple(
            StageLine(
                name=stage.name,
                outcome=str(stage.outcome),
                seconds=None if stage.outcome is StageState.CACHED else stage.seconds,
                saved_usd=stage.cost if stage.outcome is StageState.CACHED else None,
                message=stage.message or "",
            )
            for stage in (status and status.stages) or ()
        ),
        rungs=() if fidelity is None else None,
        attempts=(status and status.attempts) or 0,
        lost=(status and status.infrastructure_failures) or 0,
    )


def _why(trial: Trial) -> Why:
    try:
        return Why.model_validate(trial.why)
    except ValidationError:
        # Another version's: who proposed is what can still be said.
        return Why(searcher=str(trial.why.get("searcher", "")))


def _stages(story: Story, *, prices: Mapping[str, float]) -> Iterator[StageLine]:
    for result in story.first_looks:
        cached = result.outcome is StageOutcome.CACHED
        savings = cache_savings([story], stages=frozenset({result.stage}), prices=prices)
        yield StageLine(
            name=result.stage,
            outcome=str(result.outcome),
            seconds=result.seconds,
            saved_usd=savings.saved_usd if cached else None,
            message=result.message,
        )


def _rungs(trial: Trial, *, log: StudyLog, spec: TuningStudySpec) -> Iterator[RungLine]:
    for level in make_scheduler(spec).rungs():
        taken = log.get_decision(trial.bracket, level, trial=trial.name)
        if taken is not None:
            yield RungLine(fidelity=level, decision=taken.verb, rank=taken.rank, of=taken.of)
