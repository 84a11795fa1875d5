"""Which trials get a pod, and of which segment; how it plays together shows the machine test."""

from __future__ import annotations

import pytest
from passes import AT, NOW, actions, created_pods, flying, pod, status_of

from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner_operator.actions import (
    ArtifactsOf,
    Ask,
    Create,
    WriteStatus,
)
from tuner_operator.observed import LogView, Refused
from tuner_operator.reconcile import reconcile

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
