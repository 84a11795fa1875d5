"""The table of docs/design/0001 on pod statuses as kubelets and clusters write them."""

from __future__ import annotations

import pytest

from tuner.pipeline import AgentResult
from tuner.spec.trial import TrialState
from tuner.trial import Outcome
from tuner_operator.pod_facts import read_pod
from tuner_operator.verdicts import Rules, agent_result, classify

CREATED = "2026-11-21T01:00:00Z"
BOUND = "2026-11-21T01:00:01Z"
NOW = 1795223100.0
"""2026-11-21T01:05:00Z."""
RULES = Rules(pending_seconds=1200, infrastructure_failures=0, max_attempts=3)


def said(outcome, reason="", message=""):
    return AgentResult(
        outcome=outcome, reason=reason, message=message, fidelity=3, metrics={}, stages=()
    ).to_json()


def ended(code, *, reason="Error", message=""):
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "message": message,
            "startedAt": "2026-11-21T01:00:02Z",
            "finishedAt": "2026-11-21T01:00:12Z",
        }
    }


def pod(*, phase="Failed", agent=None, stage=None, bound=True, annotations=None, **status):
    """A pod of trial s-0-7, attempt 2."""
    conditions = list(status.pop("conditions", ()))
    if bound:
        conditions.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": BOUND})
    return {
        "kind": "Pod",
        "metadata": {
            "name": "s-0-7-2",
            "uid": "u",
            "creationTimestamp": CREATED,
            "labels": {"tuner.dev/trial": "s-0-7", "tuner.dev/attempt": "2"},
            "annotations": annotations or {},
        },
        "spec": {"nodeName": "node-1"} if bound else {},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "initContainerStatuses": [{"name": "agent", "state": agent or {}}],
            "containerStatuses": [{"name": "stage", "state": stage or {}}],
            **status,
        },
    }


def rule_on(manifest, *, gone=False, now=NOW, rules=RULES):
    facts = read_pod(manifest, gone=gone)
    return classify(facts, result=agent_result(facts), now=now, rules=rules)


def told(command, reason="Suspended"):
    return {"tuner.dev/command": command, "tuner.dev/command-reason": reason}


OOM = ended(137, reason="OOMKilled")
LOST = "lost"
TABLE = {
    "completed": (
        pod(phase="Succeeded", agent=ended(0, message=said(Outcome.COMPLETED)), stage=ended(0)),
        (TrialState.COMPLETED, ""),
    ),
    "stopped at a rung": (
        pod(phase="Succeeded", agent=ended(0, message=said(Outcome.STOPPED, "Rung"))),
        (TrialState.STOPPED, "Rung"),
    ),
    "paused by command": (
        pod(
            phase="Succeeded",
            agent=ended(0, message=said(Outcome.PAUSED, "Command")),
            annotations=told("checkpoint"),
        ),
        (TrialState.PAUSED, "Suspended"),
    ),
    "stopped by command": (
        pod(
            phase="Succeeded",
            agent=ended(0, message=said(Outcome.STOPPED, "Command")),
            annotations=told("stop", "GoalsReached"),
        ),
        (TrialState.CANCELLED, "GoalsReached"),
    ),
    "completed in spite of a command": (
        pod(
            phase="Succeeded",
            agent=ended(0, message=said(Outcome.COMPLETED)),
            annotations=told("stop"),
        ),
        (TrialState.COMPLETED, ""),
    ),
    "failed": (
        pod(agent=ended(0, message=said(Outcome.FAILED, "ExitCode")), stage=ended(3)),
        (TrialState.FAILED, "ExitCode"),
    ),
    "out of memory, no word of the agent": (
        pod(agent=ended(0), stage=OOM),
        (TrialState.FAILED, "OutOfMemory"),
    ),
    "out of memory, as the agent saw it": (
        pod(agent=ended(0, message=said(Outcome.FAILED, "ExitCode")), stage=OOM),
        (TrialState.FAILED, "OutOfMemory"),
    ),
    "a child out of memory, its parent recovered": (
        pod(
            phase="Succeeded",
            agent=ended(0, message=said(Outcome.COMPLETED)),
            stage=ended(0, reason="OOMKilled"),
        ),
        (TrialState.COMPLETED, ""),
    ),
    "next segment": (
        pod(phase="Succeeded", agent=ended(0, message=said(Outcome.NEXT_SEGMENT))),
        (TrialState.STARTING, "NextSegment"),
    ),
    "prefix missing": (
        pod(phase="Succeeded", agent=ended(0, message=said(Outcome.PREFIX_MISSING))),
        (TrialState.STARTING, "PrefixMissing"),
    ),
    "evicted": (pod(reason="Evicted", message="node was low"), (LOST, "Evicted")),
    "preempted": (
        pod(
            stage=ended(137),
            conditions=[
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "PreemptionByScheduler",
                    "message": "preempted",
                }
            ],
        ),
        (LOST, "Disrupted"),
    ),
    "node lost": (pod(reason="NodeLost"), (LOST, "NodeLost")),
    "agent killed": (pod(agent=ended(137), stage=ended(0)), (LOST, "AgentKilled")),
    "succeeded without a word": (pod(phase="Succeeded"), (LOST, "AgentKilled")),
    "store lost": (
        pod(agent=ended(0, message=said(Outcome.STORE_LOST))),
        (LOST, "StoreLost"),
    ),
    "past the trial's limit": (
        pod(
            reason="DeadlineExceeded",
            agent=ended(0, message=said(Outcome.FAILED, "ExitCode")),
            annotations={"tuner.dev/bound": "TrialLimit"},
        ),
        (TrialState.STOPPED, "TrialLimit"),
    ),
    "past the budget": (
        pod(reason="DeadlineExceeded", annotations={"tuner.dev/bound": "Budget"}),
        (TrialState.CANCELLED, "Budget"),
    ),
    "no /bin/sh": (
        pod(stage=ended(128, reason="StartError", message="exec: not found")),
        (TrialState.FAILED, "StartError"),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_signal_has_its_verdict(name):
    manifest, (state, reason) = TABLE[name]
    ruling = rule_on(manifest)
    lost = state == LOST
    assert ruling.state is (TrialState.STARTING if lost else state)
    assert ruling.reason == reason
    assert ruling.infrastructure == lost


def test_a_running_pod_has_no_verdict():
    assert rule_on(pod(phase="Running", stage={"running": {}})) is None


def test_a_vanished_pod_is_tried_again():
    ruling = rule_on(pod(phase="Running", stage={"running": {}}), gone=True)
    assert (ruling.state, ruling.reason) == (TrialState.STARTING, "PodGone")


def test_the_last_word_of_an_agent_that_was_started_again_counts():
    manifest = pod(phase="Succeeded", agent={"waiting": {"reason": "CrashLoopBackOff"}})
    last = ended(0, message=said(Outcome.COMPLETED))
    manifest["status"]["initContainerStatuses"][0]["lastState"] = last
    assert rule_on(manifest).state is TrialState.COMPLETED


def test_too_many_lost_attempts_fail_the_trial():
    rules = Rules(pending_seconds=1200, infrastructure_failures=3, max_attempts=3)
    ruling = rule_on(pod(reason="Evicted"), rules=rules)
    assert (ruling.state, ruling.reason) == (TrialState.FAILED, "MaxAttempts")
    assert ruling.infrastructure


@pytest.mark.parametrize(("seconds", "expected"), [(1100, None), (1300, "Unschedulable")])
def test_a_pod_without_a_node_is_withdrawn_after_a_while(seconds, expected):
    waiting = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}
    manifest = pod(phase="Pending", bound=False, conditions=[waiting])
    ruling = rule_on(manifest, now=NOW - 300 + seconds)
    assert (ruling and ruling.reason) == expected
    if ruling:
        assert ruling.state is TrialState.CANCELLED
        assert "0/3 nodes" in ruling.message


def test_a_gated_pod_waits_for_ever():
    gate = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    assert rule_on(pod(phase="Pending", bound=False, conditions=[gate]), now=NOW + 1e6) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ImagePullBackOff", "ImagePull"),
        ("CreateContainerConfigError", "ContainerConfig"),
        ("ContainerCreating", "NeverStarted"),
    ],
)
def test_a_pod_that_does_not_start_fails_after_a_while(word, expected):
    manifest = pod(phase="Pending", stage={"waiting": {"reason": word, "message": "why"}})
    assert rule_on(manifest, now=NOW) is None
    ruling = rule_on(manifest, now=NOW + 1300)
    assert (ruling.state, ruling.reason) == (TrialState.FAILED, expected)


def test_an_impossible_image_name_fails_at_once():
    manifest = pod(phase="Pending", stage={"waiting": {"reason": "InvalidImageName"}})
    assert rule_on(manifest).reason == "ImagePull"
