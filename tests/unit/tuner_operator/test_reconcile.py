"""Single decisions of the reconciliation; the machine test covers how they play together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.pipeline import AgentResult, plan_from_json
from tuner.spec import conditions as words
from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner.transfer.record import Source, TransferRecord
from tuner.trial import Outcome
from tuner_operator import moments
from tuner_operator.actions import (
    ArtifactsOf,
    Ask,
    Create,
    Delete,
    Tell,
    WriteStatus,
    WriteVerdict,
)
from tuner_operator.observed import LogView, Refused, StoreView
from tuner_operator.pod_facts import ContainerFacts, PodFacts
from tuner_operator.reconcile import reconcile
from tuner_operator.settings import Settings

NOW = 1_800_000_000.0
AT = moments.render(NOW - 50)


def actions(observed, kind, *, subject=None):
    return [
        action
        for chain in reconcile(observed)
        for action in chain.actions
        if isinstance(action, kind) and subject in (None, chain.subject)
    ]


def status_of(observed, name):
    """The status that is written for a trial or the study; the last one counts."""
    written = [one.status for one in actions(observed, WriteStatus) if one.ref.name == name]
    return written[-1] if written else None


def condition(observed, type_):
    found = {one.type: one for one in status_of(observed, "s").conditions}
    return found[type_]


def created_pods(observed):
    names = [one.manifest["metadata"]["name"] for one in actions(observed, Create)]
    return [name for name in names if name.startswith("s-0-")]


def flying(**segment):
    """The status of a trial with an attempt in flight."""
    return {
        "state": "Running",
        "attempts": 1,
        "startTime": AT,
        "segments": [
            {
                "stages": ["train"],
                "pod": "s-0-0-1",
                "instanceType": "small",
                "attempt": 1,
                "pricePerHour": 1.0,
                "startTime": AT,
                **segment,
            }
        ],
    }


def final(state, **more):
    return {"state": state, "attempts": 1, "cost": 0.5, "completionTime": AT, **more}


def pod(**changes):
    return PodFacts(
        **{
            "name": "s-0-0-1",
            "uid": "pod-uid",
            "trial": "s-0-0",
            "trial_uid": "uid-0",
            "attempt": 1,
            "created": NOW - 60,
            "phase": "Running",
            "scheduled": NOW - 50,
            "node": "node-1",
            "stage": ContainerFacts(state="running"),
            **changes,
        }
    )


# Admission.


def test_attempt_and_price_are_written_before_the_pod_is_made(observed, trial):
    chains = {one.subject: one.actions for one in reconcile(observed(trial(0)))}
    first, second = chains["s-0-0"]
    assert isinstance(first, WriteStatus)
    assert isinstance(second, Create)
    (segment,) = first.status.segments
    assert (segment.attempt, segment.price_per_hour, segment.pod) == (1, 1.0, None)
    assert second.manifest["metadata"]["name"] == "s-0-0-1"


def test_no_more_trials_run_than_the_study_allows(observed, trial):
    seen = observed(trial(0), trial(1), trial(2))
    assert created_pods(seen) == ["s-0-0-1", "s-0-1-1"]
    waiting = status_of(seen, "s-0-2")
    assert (waiting.state, waiting.reason) == (TrialState.QUEUED, "ParallelTrials")


def test_a_crowded_type_does_not_hold_up_the_others(observed, trial, spec):
    types = {
        "small": {"pricePerHour": 1.0, "maxParallelTrials": 3},
        "large": {"pricePerHour": 2.0},
    }
    of = spec(hardware={"instanceTypes": ["small", "large"]})
    seen = observed(
        trial(0),
        trial(1, types={"train": "large"}),
        of=of,
        types=types,
        type_usage={"small": 3},
    )
    assert created_pods(seen) == ["s-0-1-1"]
    assert "small" in status_of(seen, "s-0-0").message


def test_what_runs_is_reserved_before_more_is_admitted(observed, trial, spec):
    of = spec(budget={"maxCost": 1.0}, trialLimits={"maxCost": 0.6})
    running = trial(0, status=flying(worstCost=0.6))
    seen = observed(running, trial(1), of=of, pods={"s-0-0-1": pod()})
    assert created_pods(seen) == []
    assert status_of(seen, "s-0-1").reason == "Budget"


@pytest.mark.parametrize(
    ("changes", "words_in_it"),
    [
        ({"owner": "another-uid"}, "not owned"),
        ({"x": 7.0}, "search space"),
        ({"types": {"train": "huge"}}, "may not run on huge"),
        ({"types": {"train": "small", "sing": "small"}}, "no stage sing"),
    ],
)
def test_what_is_no_proposal_of_this_study_is_rejected(observed, trial, changes, words_in_it):
    seen = observed(trial(0, **changes))
    status = status_of(seen, "s-0-0")
    assert status.state is TrialState.REJECTED
    assert words_in_it in status.message
    assert created_pods(seen) == []


def test_nothing_is_admitted_before_pruned_trials_are_in_sight(observed, trial):
    seen = observed(trial(0), status={"trials": {"total": 9}}, log=None)
    assert created_pods(seen) == []


def test_pruned_trials_count_from_the_log(observed, trial, spec):
    ended = {
        f"s-0-{number}": (Verdict(state=TrialState.COMPLETED, cost_usd=0.25, start=1.0),)
        for number in range(10, 13)
    }
    seen = observed(trial(0), of=spec(budget={"maxTrials": 3}), log=LogView(ended=ended))
    assert created_pods(seen) == []
    status = status_of(seen, "s")
    assert (status.trials.completed, status.cost.spent) == (3, 0.75)


def test_a_pod_that_is_forbidden_leaves_its_trial_queued_with_the_words(observed, trial):
    waiting = trial(0, status=flying(pod=None, startTime=None))
    refused = {"s-0-0-1": Refused(message="exceeded quota", retry_at=NOW + 5)}
    seen = observed(waiting, refused=refused)
    status = status_of(seen, "s-0-0")
    assert (status.state, status.message) == (TrialState.QUEUED, "exceeded quota")
    assert created_pods(seen) == []
    later = observed(waiting, refused={"s-0-0-1": Refused(message="no", retry_at=NOW - 1)})
    assert created_pods(later) == ["s-0-0-1"]


# Segments.


@pytest.fixture
def two_stages(spec):
    return spec(
        pipeline={
            "image": "busybox:1",
            "stages": [
                {"name": "prepare", "command": ["p"], "hardware": {"instanceTypes": ["cpu"]}},
                {"name": "train", "command": ["t"]},
            ],
        }
    )


TYPES = {"small": {"pricePerHour": 1.0}, "cpu": {"pricePerHour": 0.1}}
BOTH = {"prepare": "cpu", "train": "small"}


def test_a_new_trial_of_several_pods_asks_for_its_prefix_first(observed, trial, two_stages):
    seen = observed(trial(0, types=BOTH), of=two_stages, types=TYPES)
    (ask,) = actions(seen, Ask)
    assert len(ask.question.keys) == 1
    assert created_pods(seen) == []


@pytest.mark.parametrize(("cached", "stages"), [(True, ("train",)), (False, ("prepare",))])
def test_the_first_segment_is_the_first_that_is_not_cached(
    observed, trial, two_stages, cached, stages
):
    new = trial(0, types=BOTH)
    (ask,) = actions(observed(new, of=two_stages, types=TYPES), Ask)
    keys = frozenset(ask.question.keys) if cached else frozenset()
    seen = observed(new, of=two_stages, types=TYPES, answers={ask.question: keys})
    assert isinstance(ask.question, ArtifactsOf)
    assert status_of(seen, "s-0-0").segments[-1].stages == stages


@pytest.mark.parametrize(
    ("at", "reason", "next_stages"),
    [("prepare", "NextSegment", ("train",)), ("train", "PrefixMissing", ("prepare",))],
)
def test_a_trial_goes_on_where_its_last_pod_left_it(
    observed, trial, two_stages, at, reason, next_stages
):
    status = flying(stages=[at], endTime=AT, reason=reason, cost=0.1)
    waiting = trial(0, types=BOTH, status={**status, "state": "Starting"})
    seen = observed(waiting, of=two_stages, types=TYPES)
    written = status_of(seen, "s-0-0")
    (segment,) = [one for one in written.segments if one.attempt == 2]
    assert segment.stages == next_stages
    assert written.attempts == 2


# Attempts.


# Pauses at rungs.


def rested(promoted=0.0, **changes):
    """The status of a trial that was paused at rung 3."""
    segment = {"endTime": AT, "cost": 0.2, "reason": "Rung"}
    status = {**flying(**segment), "state": "Paused", "reason": "Rung", "rung": 3.0, "cost": 0.2}
    return {"status": {**status, **changes}, "promoted": promoted}


PROMOTION = {
    "fidelity": {"name": "epoch", "stage": "train", "max": 27},
    "scheduler": {"variant": "Promotion"},
}


def test_a_trial_that_its_rung_paused_frees_its_place(observed, trial, spec):
    paused = AgentResult(
        outcome=Outcome.PAUSED,
        reason="Rung",
        message="rung 3: 2nd of 4, paused",
        fidelity=3.0,
        metrics={"loss": 0.5},
        stages=(),
        rung=3.0,
    ).to_json()
    ended = pod(
        phase="Succeeded",
        agent=ContainerFacts(state="terminated", exit_code=0, message=paused),
        stage=ContainerFacts(state="terminated", exit_code=0),
    )
    seen = observed(
        trial(0, status=flying()),
        trial(1),
        of=spec(parallelTrials=1, **PROMOTION),
        pods={"s-0-0-1": ended},
    )
    status = status_of(seen, "s-0-0")
    assert (status.state, status.reason, status.rung) == (TrialState.PAUSED, "Rung", 3.0)
    (verdict,) = [one.verdict for one in actions(seen, WriteVerdict)]
    assert (verdict.state, verdict.infrastructure) == (TrialState.PAUSED, False)
    assert created_pods(seen) == ["s-0-1-1"]


def test_it_rests_until_a_worker_promotes_it_from_there(observed, trial, spec):
    of = spec(**PROMOTION)
    assert created_pods(observed(trial(0, **rested()), of=of)) == []
    assert created_pods(observed(trial(0, **rested(promoted=1.0)), of=of)) == []
    seen = observed(trial(0, **rested(promoted=3.0)), of=of)
    assert created_pods(seen) == ["s-0-0-2"]
    (made,) = [one.manifest for one in actions(seen, Create) if one.manifest["kind"] == "Pod"][:1]
    plan = plan_from_json(made["metadata"]["annotations"]["tuner.dev/plan"])
    assert (plan.attempt, plan.fidelity.promoted, plan.fidelity.promotes) == (2, 3.0, True)
    assert plan.stages[0].instance_type == "small"


def test_a_study_does_not_end_while_a_trial_may_still_be_promoted(observed, trial, spec):
    of = spec(budget={"maxTrials": 2}, **PROMOTION)
    done = trial(1, status=final("Completed"))
    seen = observed(trial(0, **rested()), done, of=of, log=LogView())
    assert condition(seen, words.SUCCEEDED).reason == words.IN_PROGRESS
    over = observed(trial(0, **rested()), done, of=of, log=LogView(idle=1))
    status = status_of(over, "s-0-0")
    assert (status.state, status.reason) == (TrialState.STOPPED, "Rung")
    (verdict,) = [one.verdict for one in actions(over, WriteVerdict)]
    assert (verdict.state, verdict.failure) == (TrialState.STOPPED, "")


def test_a_bracket_that_the_study_does_not_have_is_rejected(observed, trial, spec):
    seen = observed(trial(0, bracket=1), of=spec(**PROMOTION))
    assert status_of(seen, "s-0-0").state is TrialState.REJECTED
    two = {**PROMOTION, "scheduler": {"variant": "Promotion", "brackets": 2}}
    seen = observed(trial(0, bracket=1), of=spec(**two))
    assert created_pods(seen) == ["s-0-0-1"]


def test_a_lost_attempt_is_recorded_and_costs(observed, trial):
    gone = pod(phase="Failed", reason="Evicted", stage=ContainerFacts(finished=NOW - 14))
    seen = observed(trial(0, status=flying()), pods={"s-0-0-1": gone})
    (verdict,) = [one.verdict for one in actions(seen, WriteVerdict)]
    assert verdict.infrastructure
    assert verdict.cost_usd == pytest.approx(36 / 3600)
    status = status_of(seen, "s-0-0")
    assert status.state is TrialState.STARTING
    assert status.lost_cost == pytest.approx(0.01)
    assert any(one.warning for one in actions(seen, Tell))


def test_a_pod_that_nobody_saw_vanish_is_asked_about(observed, trial):
    seen = observed(trial(0, status=flying()))
    assert [type(one) for one in actions(seen, Ask)] == [Ask]
    assert actions(seen, WriteVerdict) == []


def test_scheduler_and_container_words_reach_the_trial(observed, trial):
    waiting = pod(scheduled=None, scheduling="0/1 nodes", phase="Pending", node="")
    seen = observed(trial(0, status=flying()), pods={"s-0-0-1": waiting})
    status = status_of(seen, "s-0-0")
    assert (status.state, status.message) == (TrialState.UNSCHEDULABLE, "0/1 nodes")


def test_a_stuck_pod_on_a_lost_node_is_taken_away(observed, trial):
    stuck = pod(deleting=NOW - 100)
    seen = observed(trial(0, status=flying()), pods={"s-0-0-1": stuck})
    (delete,) = [one for one in actions(seen, Delete) if one.ref.name == "s-0-0-1"]
    assert delete.grace_seconds == 0
    fine = observed(
        trial(0, status=flying()),
        pods={"s-0-0-1": stuck},
        nodes_ready=frozenset({"node-1"}),
    )
    assert not [one for one in actions(fine, Delete) if one.ref.name == "s-0-0-1"]


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
