from dataclasses import asdict

import pytest

from tuner.log.records import Kind, Record
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult


class LogWriter:
    """Makes records as workers, agents and the operator write them; a millisecond each."""

    def __init__(self):
        self.records = []

    def add(self, kind, trial, *, attempt=1, part="0", body):
        record = Record(
            kind=kind,
            trial=trial,
            attempt=attempt,
            part=part,
            milliseconds=1000 * (len(self.records) + 1),
            body=body,
        )
        self.records.append(record)
        return record

    def proposed(self, trial, *, number=0, **why):
        made = Trial(
            name=trial,
            worker=0,
            number=number,
            parameters={"lr": 0.1},
            instance_types={"train": "small"},
            why=why,
        )
        self.add(Kind.PROPOSED, trial, attempt=0, body=proposed_body(made))

    def reports(self, name, *, attempt=1, part="0", curve):
        reports = [{"fidelity": at, "metrics": metrics} for at, metrics in curve.items()]
        self.add(Kind.REPORTS, name, attempt=attempt, part=part, body={"v": 1, "reports": reports})

    def stage(self, name, *, attempt=1, stage="train", outcome="Run", seconds=10.0, first=10.0):
        result = StageResult(
            stage=stage,
            outcome=StageOutcome(outcome),
            seconds=seconds,
            cost_usd=seconds / 3600,
            first_run_seconds=first,
            instance_type="small",
        )
        self.add(Kind.STAGE, name, attempt=attempt, part=stage, body={"v": 1, **asdict(result)})
        return result

    def result(
        self, name, *, attempt=1, outcome="Completed", reason="", fidelity=9.0, stages=(), **metrics
    ):
        result = TrialResult(
            trial=name,
            attempt=attempt,
            outcome=Outcome(outcome),
            reason=reason,
            message="",
            fidelity=fidelity,
            metrics=metrics,
            stages=tuple(stages),
        )
        self.add(Kind.RESULT, name, attempt=attempt, body={"v": 1, **asdict(result)})

    def verdict(self, name, *, attempt=1, state="Completed", **more):
        verdict = Verdict(state=TrialState(state), **more)
        self.add(Kind.VERDICT, name, attempt=attempt, body=verdict.to_body())


@pytest.fixture
def log():
    return LogWriter()
