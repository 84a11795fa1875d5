"""The study as a whole: acceptance, its end, its children, what it learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
from passes import AT, NOW, actions, condition, created_pods, final, flying, pod, status_of

from tuner.spec import conditions as words
from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner.transfer.record import Source, TransferRecord
from tuner_operator.actions import (
    Create,
    Delete,
    Tell,
)
from tuner_operator.observed import LogView, StoreView
from tuner_operator.reconcile import reconcile
from tuner_operator.settings import Settings

# The study.


@pytest.mark.parametrize(
    ("changes", "types", "reason"),
    [
        ({"hardware": {"instanceTypes": ["tiny"]}}, None, words.UNKNOWN_INSTANCE_TYPE),
        ({"budget": {"maxCost": 1.0}}, {"small": {}}, words.PRICE_MISSING),
        (
            {"hardware": {"selector": {"matchLabels": {"a": "b"}}}},
            None,
            words.UNKNOWN_INSTANCE_TYPE,
        ),
    ],
)
def test_what_cannot_be_carried_out_is_not_accepted(observed, trial, spec, changes, types, reason):
    seen = observed(trial(0), of=spec(**changes), types=types)
    accepted = condition(seen, words.ACCEPTED)
    assert (accepted.status, accepted.reason) == ("False", reason)
    assert created_pods(seen) == []
    assert status_of(seen, "s-0-0").reason == reason
    assert any(one.warning and one.reason == reason for one in actions(seen, Tell))


def test_a_store_that_is_away_starts_nothing_and_says_what_to_do(observed, trial):
    away = StoreView(reachable=False, reason=words.BUCKET_MISSING, message="create the bucket")
    seen = observed(trial(0), store=away)
    reachable = condition(seen, words.STORE_REACHABLE)
    assert (reachable.reason, reachable.message) == (words.BUCKET_MISSING, "create the bucket")
    assert created_pods(seen) == []


def test_an_end_that_was_reached_stays_until_the_spec_changes(observed, trial, spec):
    done = {
        "completionTime": AT,
        "trials": {"total": 0},
        "conditions": [
            {
                "type": "Succeeded",
                "status": "True",
                "reason": words.BUDGET_EXHAUSTED,
                "message": "",
                "lastTransitionTime": AT,
                "observedGeneration": generation,
            }
            for generation in (1,)
        ],
    }
    seen = observed(trial(0), status=done)
    assert created_pods(seen) == []
    assert status_of(seen, "s-0-0").state is TrialState.CANCELLED
    done["conditions"][0]["observedGeneration"] = 0
    reopened = observed(trial(0), status=done)
    assert created_pods(reopened) == ["s-0-0-1"]
    assert status_of(reopened, "s").completion_time is None


def test_a_reached_limit_of_trials_ends_the_study(observed, trial, spec):
    seen = observed(
        trial(0, status=final("Completed")),
        trial(1, status=final("Stopped", reason="Rung")),
        of=spec(budget={"maxTrials": 2}),
    )
    succeeded = condition(seen, words.SUCCEEDED)
    assert (succeeded.status, succeeded.reason) == ("True", words.MAX_TRIALS_REACHED)
    assert status_of(seen, "s").completion_time is not None
    assert actions(seen, Create) == []


def test_the_first_three_failures_alike_end_the_study_and_say_why(observed, trial):
    broken = final(
        "Failed",
        reason="ExitCode",
        message="exit code 1",
        stages=[{"name": "train", "outcome": "Failed"}],
    )
    seen = observed(*(trial(number, status=broken) for number in range(3)))
    succeeded = condition(seen, words.SUCCEEDED)
    assert (succeeded.status, succeeded.reason) == ("False", words.TOO_MANY_FAILURES)
    assert "ExitCode in train" in succeeded.message


def test_a_study_without_a_result_names_the_last_failure(observed, trial, spec):
    broken = final("Failed", reason="ImagePull", message="no such image")
    seen = observed(trial(0, status=broken), of=spec(budget={"maxTrials": 1}))
    succeeded = condition(seen, words.SUCCEEDED)
    assert succeeded.reason == words.NO_TRIAL_COMPLETED
    assert "no such image" in succeeded.message


def test_an_outlived_study_is_deleted(observed, spec):
    done = {"completionTime": AT}
    seen = observed(of=spec(ttlSecondsAfterFinished=49), status=done)
    (delete,) = actions(seen, Delete)
    assert delete.ref.kind == "TuningStudy"
    assert actions(observed(of=spec(ttlSecondsAfterFinished=60), status=done), Delete) == []


def test_suspension_checkpoints_what_runs_and_removes_the_workers(observed, trial, spec):
    of = spec(suspend=True)
    worker = {
        "kind": "Pod",
        "metadata": {"name": "s-worker-0", "uid": "w", "annotations": {}},
    }
    seen = observed(
        trial(0, status=flying()),
        trial(1),
        of=of,
        pods={"s-0-0-1": pod()},
        children={("Pod", "s-worker-0"): worker},
    )
    chains = {one.subject: one.actions for one in reconcile(seen)}
    (note,) = chains["s-0-0/command"]
    assert note.annotations["tuner.dev/command"] == "checkpoint"
    assert [one.ref.name for one in actions(seen, Delete)] == ["s-worker-0"]
    assert status_of(seen, "s-0-1").state is TrialState.QUEUED
    assert condition(seen, words.SUSPENDED).status == "False"


def test_who_does_not_listen_is_taken_away_after_the_grace(observed, trial, spec):
    of = spec(suspend=True)
    deaf = pod(command="checkpoint", command_time=NOW - 200)
    seen = observed(trial(0, status=flying()), of=of, pods={"s-0-0-1": deaf})
    assert [one.ref.name for one in actions(seen, Delete)] == ["s-0-0-1"]
    patient = pod(command="checkpoint", command_time=NOW - 20)
    seen = observed(trial(0, status=flying()), of=of, pods={"s-0-0-1": patient})
    assert actions(seen, Delete) == []


def test_old_trials_go_only_once_the_log_has_their_end(observed, trial):
    trials = [trial(number, status=final("Completed")) for number in range(3)]
    few = Settings(history_limit=1)
    assert not [one for one in actions(observed(*trials, settings=few), Delete)]
    ended = {one.name: (Verdict(state=TrialState.COMPLETED),) for one in trials}
    seen = observed(*trials, settings=few, log=LogView(ended=ended))
    assert len(actions(seen, Delete)) == 2


def test_a_pod_without_its_trial_is_removed(observed):
    seen = observed(pods={"s-0-0-1": pod()})
    assert [one.ref.name for one in actions(seen, Delete)] == ["s-0-0-1"]


def test_workers_follow_from_the_parallel_trials(observed, spec):
    of = spec(parallelTrials=17, workers={"trialsPerWorker": 8})
    names = [
        one.manifest["metadata"]["name"]
        for one in actions(observed(of=of), Create)
        if one.manifest["kind"] == "Pod"
    ]
    assert names == ["s-worker-0", "s-worker-1", "s-worker-2"]


# What is learned from earlier studies.


LEARNED_FROM = TransferRecord(sources=(Source(study="a", uid="u", until=1),), prior="ab")


@pytest.mark.parametrize(
    ("record", "status", "reason", "said"),
    [
        (None, "Unknown", words.IN_PROGRESS, "no worker said yet"),
        (LEARNED_FROM, "True", words.LEARNED, "learned from a"),
        (replace(LEARNED_FROM, missing=("b", "c")), "False", words.STUDY_NOT_FOUND, "named b, c"),
        (TransferRecord(problem="nothing there"), "False", words.NOTHING_LEARNED, "goes on"),
    ],
)
def test_what_was_learned_from_earlier_studies_is_told(
    observed, trial, spec, record, status, reason, said
):
    of = spec(transfer={"studies": ["a", "b", "c"]})
    seen = observed(trial(0), of=of, log=LogView(transfer=record))
    ready = condition(seen, words.TRANSFER_READY)
    assert (ready.status, ready.reason) == (status, reason)
    assert said in ready.message
    assert created_pods(seen) == ["s-0-0-1"]
    warned = [one.reason for one in actions(seen, Tell) if one.warning]
    assert warned == ([reason] if status == "False" else [])


def test_without_transfer_nothing_is_said_of_it(observed):
    said = {one.type for one in status_of(observed(), "s").conditions}
    assert words.ACCEPTED in said
    assert words.TRANSFER_READY not in said


# A want of money.


def test_a_want_of_money_ends_the_study_once_the_trial_is_withdrawn(observed, trial, spec):
    of = spec(budget={"maxCost": 1.0}, trialLimits={"maxCost": 0.6})
    done = trial(0, status={**final("Completed"), "metrics": {"loss": 1.0}})
    seen = observed(done, trial(1), of=of, status=STARTED)
    withdrawn = status_of(seen, "s-0-1")
    assert (withdrawn.state, withdrawn.reason) == (TrialState.CANCELLED, "BudgetExhausted")
    ending = status_of(seen, "s")
    assert ending.completion_time is None
    assert condition(seen, words.PROGRESSING).reason == words.UNAFFORDABLE
    # The worker may propose another one meanwhile: it is withdrawn as well.
    told = ending.model_dump(mode="json", by_alias=True, exclude_none=True)
    over = trial(1, status=withdrawn.model_dump(mode="json", by_alias=True, exclude_none=True))
    again = observed(done, over, trial(2), of=of, status=told)
    assert status_of(again, "s-0-2").state is TrialState.CANCELLED
    ended = status_of(observed(done, over, of=of, status=told), "s")
    assert ended.completion_time is not None
    assert ended.state == "Succeeded"
    # More money is another matter.
    more = spec(budget={"maxCost": 2.0}, trialLimits={"maxCost": 0.6})
    newer = observed(done, over, trial(2), of=more, status=told)
    newer = replace(newer, study=replace(newer.study, generation=2))
    assert created_pods(newer) == ["s-0-2-1"]


STARTED = {
    "startTime": AT,
    "conditions": [
        {
            "type": "Progressing",
            "status": "True",
            "reason": "Running",
            "lastTransitionTime": AT,
            "observedGeneration": 1,
        }
    ],
}
