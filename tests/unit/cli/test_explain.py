import json
from dataclasses import asdict

import pytest
import yaml

from tuner.errors import UnknownObject
from tuner.log import Kind, StoredDecision
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult

WHY = {
    "searcher": "Auto",
    "predicted": {"loss": {"mean": 0.291, "sd": 0.006}, "cost": {"mean": 6.4, "sd": 0.9}},
    "spend": {"usd": 4.2},
    "prefix": {
        "stages": ["prepare"],
        "trial": "ranker-0-0",
        "savesUsd": 0.42,
        "savesSeconds": 120.0,
    },
    "candidates": 512,
    "eta": 0.4,
}
EXPLAINED = """\
ranker-3-7: Completed
proposed by worker 3: best expected gain per dollar of 512 candidates (Auto, spend weighed 0.4)
predicted loss 0.291 +- 0.006, cost $6.40 +- $0.90
measured loss 0.2871, cost $6.10
expected to spend $4.20; paid $5.50
counted on prepare of ranker-0-0, expected to save $0.42, 120s
prepare: cached (saved $0.99); train: ran 550s
rung 1: 2nd of 14, continued; rung 3: 1st of 6, continued
2 attempts, 1 ended by the infrastructure
"""


def stage(name, outcome, seconds, first, place, message=""):
    return StageResult(
        stage=name,
        outcome=StageOutcome(outcome),
        seconds=seconds,
        cost_usd=0.01 if outcome == "Cached" else seconds * 0.01,
        first_run_seconds=first,
        instance_type=place,
        message=message,
    )


@pytest.fixture
def record(empty):
    """Writes a trial down as workers, agents and backends do."""

    def write(*, why, number=7, outcome=None, reason="", message="", fidelity=9.0, stages=()):
        trial = Trial(
            name=f"ranker-3-{number}",
            worker=3,
            number=number,
            parameters={"lr": 0.5},
            instance_types={"prepare": "small", "train": "large"},
            why=why,
        )
        log = empty.log
        log.append(Kind.PROPOSED, trial=trial.name, attempt=0, body=proposed_body(trial))
        if outcome is None:
            return trial
        for each in stages:
            log.append(Kind.STAGE, trial=trial.name, attempt=1, part=each.stage, body=asdict(each))
        result = TrialResult(
            trial=trial.name,
            attempt=1,
            outcome=Outcome(outcome),
            reason=reason,
            message=message,
            fidelity=fidelity,
            metrics={"loss": 0.2871, "cost": 6.1},
            stages=tuple(stages),
        )
        log.append(Kind.RESULT, trial=trial.name, attempt=1, body=asdict(result))
        verdict = Verdict(state=TrialState(outcome), reason=reason, message=message, cost_usd=2.5)
        log.append(Kind.VERDICT, trial=trial.name, attempt=1, body=verdict.to_body())
        return trial

    return write


@pytest.fixture
def completed(empty, record):
    """One that was proposed by a model, met two rungs, and lost an attempt on its way."""
    stages = [
        stage("prepare", "Cached", 1.0, 1000.0, "small"),
        stage("train", "Run", 550.0, 550.0, "large"),
    ]
    trial = record(why=WHY, outcome="Completed", stages=stages)
    lost = Verdict(state=TrialState.STARTING, reason="Preempted", cost_usd=3.0, infrastructure=True)
    empty.log.append(Kind.VERDICT, trial=trial.name, attempt=2, body=lost.to_body())
    for level, rank, of in ((1.0, 2, 14), (3.0, 1, 6)):
        decision = StoredDecision(verb="Continue", rank=rank, of=of, reason="")
        empty.log.put_decision(0, level, trial=trial.name, decision=decision)
    return trial


def test_a_trial_is_explained_from_its_log(invoke, completed):
    result = invoke("explain", completed.name)
    assert result.exit_code == 0
    assert result.output == EXPLAINED


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_the_same_as_json_and_yaml(invoke, completed, form, load):
    shape = load(invoke("explain", completed.name, "-o", form).output)
    assert shape["worker"] == 3
    assert shape["objectives"]["loss"] == {
        "predicted": {"mean": 0.291, "sd": 0.006},
        "measured": 0.2871,
    }
    assert shape["spend"] == {"expected": {"usd": 4.2}, "paidUsd": 5.5}
    assert shape["why"]["prefix"]["stages"] == ["prepare"]
    assert shape["stages"][1] == {"name": "train", "outcome": "Run", "seconds": 550.0}
    assert shape["rungs"][1] == {"fidelity": 3.0, "decision": "Continue", "rank": 1, "of": 6}
    assert (shape["attempts"], shape["infrastructureFailures"]) == (2, 1)


def test_what_was_stopped_is_not_held_against_what_was_predicted(invoke, empty, record):
    stopped = [stage("train", "Stopped", 60.0, 60.0, "large")]
    trial = record(why=WHY, outcome="Stopped", reason="Rung", fidelity=3.0, stages=stopped)
    decision = StoredDecision(verb="Stop", rank=3, of=4, reason="")
    empty.log.put_decision(0, 3.0, trial=trial.name, decision=decision)
    lines = invoke("explain", trial.name).output.splitlines()
    assert lines[0] == "ranker-3-7: Stopped, Rung"
    assert "measured at epoch 3 of 9 loss 0.2871, cost $6.10" in lines
    assert "train: stopped 60s" in lines
    assert "rung 3: 3rd of 4, stopped" in lines


def test_a_failure_says_of_what(invoke, record):
    failed = [stage("prepare", "Failed", 3.0, 3.0, "small", message="no such file")]
    trial = record(
        why={"searcher": "Random"},
        outcome="Failed",
        reason="ExitCode",
        message="Stage prepare ended with exit code 1.",
        stages=failed,
    )
    lines = invoke("explain", trial.name).output.splitlines()
    assert lines[0] == "ranker-3-7: Failed, ExitCode, Stage prepare ended with exit code 1."
    assert lines[1] == "proposed by worker 3: by searcher Random"
    assert "prepare: failed 3s (no such file)" in lines


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ({"searcher": "initialTrials", "name": "production"}, 'the initial trial "production"'),
        ({"searcher": "Sobol", "sobolIndex": 4}, "by searcher Sobol"),
        (
            {"searcher": "Auto", "portfolio": 1},
            "number 2 of what did best in earlier studies (Auto)",
        ),
        (
            {"searcher": "Auto", "prior": {"portfolio": 0}},
            "number 1 of what did best in earlier studies (Auto)",
        ),
        (
            {"searcher": "Auto", "prior": {"portfolio": 0, "onFront": 0.5}},
            "number 1 of the front expected from earlier studies (Auto)",
        ),
        (
            {"searcher": "Auto", "prior": {"onFront": 0.5}},
            "drawn from the front expected from earlier studies (Auto)",
        ),
        (
            {"searcher": "EEIPU", "candidates": 20, "eta": 1.0, "spend": {"seconds": 3}},
            "best expected gain per second of 20 candidates (EEIPU)",
        ),
        (
            {"searcher": "HyperBO", "candidates": 20, "eta": 0.0, "spend": {"usd": 3}},
            "best expected gain of 20 candidates (HyperBO)",
        ),
        ({"message": "because I say so"}, "because I say so"),
        ({}, "nothing is known"),
        ({"searcher": "Auto", "predicted": "of another version"}, "by searcher Auto"),
    ],
)
def test_every_kind_of_reason_has_its_sentence(invoke, record, why, reason):
    lines = invoke("explain", record(why=why).name).output.splitlines()
    assert lines[:2] == ["ranker-3-7: Queued", f"proposed by worker 3: {reason}"]
    assert lines[-1] == "not started yet"


def test_doubts_and_what_earlier_studies_counted_for_are_told(invoke, record):
    weights = {"loss": {"moments": 0.7, "network": 0.0, "none": 0.3}}
    prior = {"weights": weights, "onFront": 0.314}
    why = {**WHY, "failureProbability": 0.12, "prior": prior}
    lines = invoke("explain", record(why=why).name).output.splitlines()
    assert "likely to be on the front: 31%" in lines
    assert "expected to fail: 12%" in lines
    assert "earlier studies on loss: moments 70%, network 0%, none 30%" in lines


def test_a_trial_that_does_not_exist(invoke, completed):
    with pytest.raises(UnknownObject, match="study ranker has no trial ranker-3-8"):
        invoke("explain", "ranker-3-8")
    with pytest.raises(UnknownObject, match="has no study other"):
        invoke("explain", "other-0-0", "--local", ".tuner")


def test_a_trial_of_a_cluster_is_explained_from_its_status(invoke, cluster):
    trial = cluster.trials[1]
    trial["spec"]["why"] = WHY
    trial["status"] |= {
        "attempts": 2,
        "infrastructureFailures": 1,
        "stages": [
            {"name": "prepare", "outcome": "Cached", "cost": 0.42},
            {"name": "train", "outcome": "Run", "seconds": 550},
        ],
    }
    lines = invoke("explain", "ranker-0-1").output.splitlines()
    assert lines == [
        "ranker-0-1: Completed",
        "proposed by worker 0: "
        "best expected gain per dollar of 512 candidates (Auto, spend weighed 0.4)",
        "predicted loss 0.291 +- 0.006, cost $6.40 +- $0.90",
        "measured loss 0.2871, cost $6.10",
        "expected to spend $4.20; paid $6.10",
        "counted on prepare of ranker-0-0, expected to save $0.42, 120s",
        "prepare: cached (saved $0.42); train: ran 550s",
        "reached epoch 9 of 9; decisions at rungs are in the study's store",
        "2 attempts, 1 ended by the infrastructure",
    ]
    shape = json.loads(invoke("explain", "ranker-0-1", "-o", "json").output)
    assert shape["rungs"] is None


def test_a_trial_that_a_cluster_does_not_have(invoke, cluster):
    with pytest.raises(UnknownObject, match="namespace ml has no trial ranker-0-99"):
        invoke("explain", "ranker-0-99")
