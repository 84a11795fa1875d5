"""Attempts in flight, and pauses at rungs."""

from __future__ import annotations

import pytest
from passes import AT, NOW, actions, condition, created_pods, final, flying, pod, status_of

from tuner.pipeline import AgentResult, plan_from_json
from tuner.spec import conditions as words
from tuner.spec.trial import TrialState
from tuner.trial import Outcome
from tuner_operator.actions import (
    Ask,
    Create,
    Delete,
    Tell,
    WriteVerdict,
)
from tuner_operator.observed import LogView
from tuner_operator.pod_facts import ContainerFacts

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
    """With rungs at 1, 3 and 9 there are four, the last one without any."""
    seen = observed(trial(0, bracket=4), of=spec(**PROMOTION))
    assert status_of(seen, "s-0-0").state is TrialState.REJECTED
    seen = observed(trial(0, bracket=3), of=spec(**PROMOTION))
    assert created_pods(seen) == ["s-0-0-1"]


# Attempts.


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
