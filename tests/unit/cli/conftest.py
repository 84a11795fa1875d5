from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from tuner.artifacts import FolderStore
from tuner.log import Kind, StudyLog, study_prefix
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.ends import End
from tuner.study.markers import put_end
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult

SPEC = {
    "objectives": [
        {"metric": "loss", "direction": "Minimize"},
        {"metric": "cost", "direction": "Minimize"},
    ],
    "constraints": [{"metric": "p95", "max": 20}],
    "parameters": [{"name": "lr", "float": {"min": 0, "max": 1}}],
    "initialTrials": [{"name": "production", "parameters": {"lr": 1}}],
    "hardware": {"instanceTypes": ["small", "large"]},
    "pipeline": {
        "image": "example",
        "stages": [
            {"name": "prepare", "command": ["run"], "hardware": {"instanceTypes": ["small"]}},
            {"name": "train", "command": ["run"]},
        ],
    },
    "fidelity": {"name": "epoch", "stage": "train", "max": 9},
    "budget": {"maxTrials": 9, "maxCost": 200},
}

# name: initial, type, loss, cost, p95, outcome, fidelity
TRIALS = {
    "ranker-0-0": ("production", "small", 0.30, 10.0, 12.0, "Completed", 9.0),
    "ranker-0-1": ("", "large", 0.2871, 6.1, 14.2, "Completed", 9.0),
    "ranker-0-2": ("", "small", 0.40, 2.0, 12.0, "Completed", 9.0),
    "ranker-0-3": ("", "small", 0.10, 1.0, 99.0, "Completed", 9.0),
    "ranker-0-4": ("", "small", 0.90, 1.0, 12.0, "Stopped", 3.0),
}


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        from tuner.cli.app import app

        return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)

    return run


class LocalStudy:
    """A study as `tuner run` leaves it in its folder."""

    def __init__(self, folder, name="ranker", spec=SPEC):
        self.folder = folder
        self.prefix = study_prefix("local", name, uid="local-1")
        self.store = FolderStore(folder)
        self.log = StudyLog(self.store, self.prefix)
        self.log.put_marker(
            {
                "v": 1,
                "name": name,
                "uid": "local-1",
                "spec": spec,
                "pricesPerHour": {"small": 3.6, "large": 36.0},
            }
        )

    def trial(self, name, initial, instance_type, loss, cost, p95, outcome, fidelity):
        why = {"searcher": "initialTrials", "name": initial} if initial else {"searcher": "Sobol"}
        trial = Trial(
            name=name,
            worker=0,
            number=int(name.rsplit("-", 1)[1]),
            parameters={"lr": 1.0},
            instance_types={"prepare": "small", "train": instance_type},
            why=why,
        )
        self.log.append(Kind.PROPOSED, trial=name, attempt=0, body=proposed_body(trial))
        stages = [
            StageResult(
                stage="prepare",
                outcome=StageOutcome.RUN if initial else StageOutcome.CACHED,
                seconds=1.0,
                cost_usd=0.0,
                first_run_seconds=1000.0,
                instance_type="small",
            )
        ]
        for stage in stages:
            self.log.append(Kind.STAGE, trial=name, attempt=1, part=stage.stage, body=asdict(stage))
        result = TrialResult(
            trial=name,
            attempt=1,
            outcome=Outcome(outcome),
            reason="Rung" if outcome == "Stopped" else "",
            message="",
            fidelity=fidelity,
            metrics={"loss": loss, "cost": cost, "runtime": 60.0, "p95": p95},
            stages=tuple(stages),
        )
        self.log.append(Kind.RESULT, trial=name, attempt=1, body=asdict(result))
        verdict = Verdict(state=TrialState(outcome), reason=result.reason, cost_usd=cost)
        self.log.append(Kind.VERDICT, trial=name, attempt=1, body=verdict.to_body())

    def end(self, *, succeeded=True, reason="MaxTrialsReached", message="9 trials have ended"):
        put_end(
            self.store, self.prefix, end=End(reason=reason, message=message, succeeded=succeeded)
        )


@pytest.fixture
def local(tmp_path):
    """The study in ./.tuner with its trials, not ended."""
    study = LocalStudy(tmp_path / ".tuner")
    for name, facts in TRIALS.items():
        study.trial(name, *facts)
    return study


@pytest.fixture
def empty(tmp_path):
    """A study in ./.tuner without a trial."""
    return LocalStudy(tmp_path / ".tuner")


def trial_object(name, initial, instance_type, loss, cost, p95, outcome, fidelity):
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningTrial",
        "metadata": {"name": name, "creationTimestamp": "2026-11-20T10:00:00Z"},
        "spec": {
            "study": "ranker",
            "worker": 0,
            "number": int(name.rsplit("-", 1)[1]),
            "parameters": {"lr": 1},
            "instanceTypes": {"prepare": "small", "train": instance_type},
            "why": {"searcher": "initialTrials", "name": initial} if initial else {},
        },
        "status": {
            "state": outcome,
            "reason": "Rung" if outcome == "Stopped" else None,
            "fidelity": fidelity,
            "metrics": {"loss": loss, "cost": cost, "p95": p95},
            "cost": cost,
            "runtime": 60,
            "stages": [{"name": "prepare", "outcome": "Run" if initial else "Cached"}],
            "segments": [
                {"stages": ["prepare"], "pod": f"{name}-1", "instanceType": "small", "attempt": 1},
                {"stages": ["train"], "pod": f"{name}-2", "instanceType": "small", "attempt": 1},
            ],
        },
    }


class FakeReader:
    """A cluster that holds one study."""

    namespace = "ml"

    def __init__(self, study, trials):
        self.study = study
        self.trials = trials

    def list_studies(self):
        return [self.study]

    def get_study(self, name):
        return self.study if name == self.study["metadata"]["name"] else None

    def list_trials(self, study):
        return self.trials

    def get_trial(self, name):
        return next((each for each in self.trials if each["metadata"]["name"] == name), None)

    def pod_log(self, pod):
        yield from [f"{pod}: one\n", "two\n"]


@pytest.fixture
def cluster(monkeypatch):
    """The same study in a cluster, ended; its status shows one point of the front only."""
    from tuner.backends.kubernetes.reader import ClusterReader

    study = {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningStudy",
        "metadata": {"name": "ranker", "namespace": "ml"},
        "spec": SPEC,
        "status": {
            "state": "Succeeded",
            "conditions": [
                {
                    "type": "Succeeded",
                    "status": "True",
                    "reason": "MaxTrialsReached",
                    "message": "9 trials have ended",
                    "lastTransitionTime": "2026-11-20T11:00:00Z",
                }
            ],
            "trials": {"total": 5, "completed": 4, "stopped": 1},
            "cost": {"spent": 20.1, "workers": 0.8, "savedByCache": 4, "savedByStopping": 2},
            "paretoFront": [
                {
                    "trial": "ranker-1-7",
                    "parameters": {"lr": 0.5},
                    "instanceTypes": {"prepare": "small", "train": "large"},
                    "objectives": {"cost": 50, "loss": 0.2},
                }
            ],
            "frontSize": 3,
            "completionTime": "2026-11-20T11:00:00Z",
        },
    }
    reader = FakeReader(study, [trial_object(name, *facts) for name, facts in TRIALS.items()])
    monkeypatch.setattr(ClusterReader, "connect", lambda **_: reader)
    return reader
