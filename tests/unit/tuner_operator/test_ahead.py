"""Pods made ahead of their places: who gets one, who gets the place, and who gives it up."""

from __future__ import annotations

import pytest
from passes import actions, pod

from tuner.spec.trial import TrialState
from tuner_operator import moments
from tuner_operator.actions import Annotate, Create, Delete, Release, WriteStatus
from tuner_operator.names import COMMAND_REASON, HOLD
from tuner_operator.observed import LogView, Refused, TypeUse
from tuner_operator.pod_facts import ContainerFacts
from tuner_operator.reconcile import reconcile
from tuner_operator.reconcile.ahead import how_many

NOW = 1_800_000_000.0
RUNNING = ContainerFacts(state="running")


@pytest.fixture
def of(spec):
    """A study of two places that makes pods ahead."""

    def make(**changes):
        return spec(**{"workers": {"lookAhead": "Pod"}, "parallelTrials": 2, **changes})

    return make


def at(seconds):
    return moments.render(NOW + seconds)


def flying(number, *, attempt=1, **segment):
    state = "Queued" if segment.get("held") else "Running"
    return {
        "state": state,
        "reason": "Held" if segment.get("held") else None,
        "attempts": attempt,
        "startTime": at(-20),
        "segments": [
            {
                "stages": ["train"],
                "pod": f"s-0-{number}-{attempt}",
                "instanceType": "small",
                "attempt": attempt,
                "pricePerHour": 3.6,
                "startTime": at(-20),
                **segment,
            }
        ],
    }


def pod_of(number, **changes):
    names = {"name": f"s-0-{number}-1", "trial": f"s-0-{number}"}
    uids = {"uid": f"pod-{number}", "trial_uid": f"uid-{number}"}
    return pod(**{**names, **uids, "created": NOW - 21, "scheduled": NOW - 20, **changes})


@pytest.fixture
def full(observed, trial, of):
    """Two trials run; `held` is a third that was made ahead; `more` wait."""

    def make(
        *,
        held=None,
        more=1,
        hold=None,
        spec=None,
        held_status=None,
        running=(0, 1),
        also=(),
        worst=None,
        **changes,
    ):
        trials = [trial(number, status=flying(number, worstCost=worst)) for number in running]
        trials += also
        pods = {f"s-0-{number}-1": pod_of(number) for number in running}
        if held is not None:
            status = held_status or flying(held, held=True, **(hold or {}))
            trials.append(trial(held, status=status))
            pods.setdefault(f"s-0-{held}-1", pod_of(held, hold=True))
        trials += [trial(10 + number) for number in range(more)]
        pods |= changes.pop("pods", {})
        return observed(*trials, of=spec or of(), **{"pods": pods, **changes})

    return make


def created(observed):
    """The pods of trials that are made, by name."""
    made = [one.manifest for one in actions(observed, Create)]
    return {
        one["metadata"]["name"]: one for one in made if one["metadata"]["name"].startswith("s-0-")
    }


def segment_of(observed, name):
    written = [one.status for one in actions(observed, WriteStatus) if one.ref.name == name]
    return written[-1].segments[-1] if written else None


# How many.


@pytest.mark.parametrize(
    ("places", "seconds", "expected"),
    [
        (8, 10, 4),
        (8, 30, 1),
        (8, 60, 1),
        (8, 468, 0),
        (1, 10, 1),
        (1, 60, 0),
        (0, 10, 0),
        (1_920, 468, 16),
        (1_920, 60, 113),
    ],
)
def test_as_many_as_are_ready_in_time_and_do_not_wait_for_long(places, seconds, expected):
    assert how_many(places, seconds=seconds) == expected


def test_nothing_is_made_ahead_unless_the_study_asks_for_it(full, of):
    assert created(full(spec=of(workers={"lookAhead": "Trial"}))) == {}
    assert created(full(spec=of(workers={}))) == {}


def test_the_next_trials_pod_is_made_while_every_place_is_taken(full):
    seen = full(more=3)
    ((name, manifest),) = created(seen).items()
    assert name == "s-0-10-1"
    assert manifest["metadata"]["annotations"][HOLD] == "60"
    (volume,) = [one for one in manifest["spec"]["volumes"] if one["name"] == "tuner-pod"]
    assert [one["path"] for one in volume["downwardAPI"]["items"]] == ["plan", "command", "hold"]
    (chain,) = [one for one in reconcile(seen) if one.subject == "s-0-10"]
    written, _ = chain.actions
    assert (written.status.state, written.status.reason) == (TrialState.QUEUED, "Held")
    assert written.status.segments[0].held


def test_not_before_something_runs(full):
    starting = {f"s-0-{number}-1": pod_of(number, stage=ContainerFacts()) for number in (0, 1)}
    assert created(full(pods=starting)) == {}


def test_the_longest_hold_is_reserved_and_comes_before_the_deadline(full, of):
    limited = of(trialLimits={"maxDuration": "100s"}, budget={"maxCost": 10})
    seen = full(spec=limited)
    segment = segment_of(seen, "s-0-10")
    assert segment.worst_cost == pytest.approx((100 + 60) / 3600)
    assert segment.deadline_seconds == 100
    assert created(seen)["s-0-10-1"]["spec"]["activeDeadlineSeconds"] == 160


def test_without_money_for_it_nobody_is_told_that_there_is_none(full, of):
    limited = of(trialLimits={"maxCost": 0.4}, budget={"maxCost": 1.0})
    seen = full(spec=limited, worst=0.4)
    assert created(seen) == {}
    (status,) = [one.status for one in actions(seen, WriteStatus) if one.ref.name == "s-0-10"]
    assert status.reason == "ParallelTrials"


@pytest.mark.parametrize(
    "changes",
    [
        {"types": {"small": {"pricePerHour": 1.0, "maxParallelTrials": 9}}},
        {"type_use": {"small": TypeUse(waiting_since=NOW - 1)}},
    ],
)
def test_nothing_is_made_ahead_where_room_is_scarce(full, changes):
    assert created(full(**changes)) == {}


@pytest.mark.parametrize(("reason", "ago"), [("HoldEnded", 500), ("Yielded", 30)])
def test_who_gave_its_pod_back_waits_for_a_place(full, trial, reason, ago):
    status = flying(10, held=True, endTime=at(-ago), reason=reason, cost=0.01)
    seen = full(more=0, also=[trial(10, status={**status, "state": "Queued"})])
    assert created(seen) == {}


def test_a_type_that_had_no_room_is_tried_again_after_a_while(full, trial):
    status = flying(10, held=True, endTime=at(-70), reason="Yielded", cost=0.01)
    seen = full(more=0, also=[trial(10, status={**status, "state": "Queued"})])
    assert list(created(seen)) == ["s-0-10-2"]


def test_long_evaluations_are_not_worth_a_pod(full, trial):
    ended = flying(5, startTime=at(-500), endTime=at(-40), cost=0.5)
    old = trial(5, status={**ended, "state": "Completed", "completionTime": at(-40)})
    assert created(full(also=[old])) == {}


# A place becomes free.


def test_the_pod_made_ahead_gets_the_place_of_a_trial_that_has_ended(full):
    seen = full(held=2, running=(0,))
    (release,) = actions(seen, Release)
    assert release.ref.name == "s-0-2-1"
    (chain,) = [one for one in reconcile(seen) if one.subject == "s-0-2"]
    written, told = chain.actions
    assert isinstance(written, WriteStatus), "it must never run and count as one that waits"
    assert told == release
    segment = written.status.segments[0]
    assert (segment.held, moments.seconds_of(segment.release_time)) == (None, NOW)
    assert written.status.state is TrialState.RUNNING


def test_a_written_result_frees_the_place_before_the_kubelet_tells(full):
    assert actions(full(held=2), Release) == []
    seen = full(held=2, log=LogView(leaving=frozenset({("s-0-0", 1)})))
    assert [one.ref.name for one in actions(seen, Release)] == ["s-0-2-1"]
    assert all(HOLD in one["metadata"]["annotations"] for one in created(seen).values())
    # Its own pod is still there: nobody else's is made in its place.
    alone = full(log=LogView(leaving=frozenset({("s-0-0", 1)})))
    assert all(HOLD in one["metadata"]["annotations"] for one in created(alone).values())


def test_a_result_of_another_attempt_frees_nothing(full):
    seen = full(held=2, log=LogView(leaving=frozenset({("s-0-0", 2)})))
    assert actions(seen, Release) == []


def test_what_was_not_waited_is_given_back(full):
    limit = {"deadlineSeconds": 100, "worstCost": 0.2, "bound": "TrialLimit"}
    seen = full(held=2, running=(0,), hold=limit)
    (release,) = actions(seen, Release)
    assert release.deadline_seconds == 100 + 20 + 1
    assert segment_of(seen, "s-0-2").worst_cost == pytest.approx(0.2 - 40 / 1000)


def test_the_end_of_the_study_is_not_put_off_by_a_hold(full, of):
    limit = {"deadlineSeconds": 100, "bound": "Deadline"}
    (release,) = actions(full(held=2, running=(0,), hold=limit), Release)
    assert release.deadline_seconds is None


def test_a_crash_between_status_and_pod_is_made_good(full):
    status = flying(2, releaseTime=at(-1))
    seen = full(held=2, running=(0,), held_status=status)
    (release,) = actions(seen, Release)
    assert release.ref.name == "s-0-2-1"


def test_a_trial_to_be_tried_again_keeps_its_place(full, trial):
    again = {**flying(7, endTime=at(-1), reason="PodGone", cost=0.01), "state": "Starting"}
    seen = full(held=2, running=(0,), more=0, also=[trial(7, status=again)])
    assert actions(seen, Release) == []
    assert list(created(seen)) == ["s-0-7-2"]


def test_the_one_that_is_ready_comes_first(observed, trial, of):
    trials = [trial(number, status=flying(number, held=True)) for number in (2, 3)]
    pods = {
        "s-0-0-1": pod_of(0),
        "s-0-2-1": pod_of(2, hold=True, stage=ContainerFacts()),
        "s-0-3-1": pod_of(3, hold=True),
    }
    seen = observed(trial(0, status=flying(0)), *trials, of=of(), pods=pods)
    assert [one.ref.name for one in actions(seen, Release)] == ["s-0-3-1"]


def test_nothing_is_released_while_the_study_is_suspended(full, of):
    seen = full(held=2, running=(0,), spec=of(suspend=True))
    assert actions(seen, Release) == []
    reasons = {one.ref.name: one.annotations[COMMAND_REASON] for one in actions(seen, Annotate)}
    assert reasons == {"s-0-0-1": "Suspended", "s-0-2-1": "Suspended"}


# Giving way.


def told(observed):
    return {one.ref.name: one.annotations[COMMAND_REASON] for one in actions(observed, Annotate)}


def test_it_gives_way_to_a_pod_without_a_node(full):
    seen = full(held=2, type_use={"small": TypeUse(waiting_since=NOW - 1)})
    assert told(seen) == {"s-0-2-1": "Yielded"}


def test_one_that_finds_no_room_itself_is_taken_away(full):
    homeless = pod_of(
        2, hold=True, scheduled=None, scheduling="no room", node="", stage=ContainerFacts()
    )
    seen = full(held=2, pods={"s-0-2-1": homeless})
    assert told(seen) == {"s-0-2-1": "Yielded"}
    assert [one.ref.name for one in actions(seen, Delete)] == ["s-0-2-1"]


def test_one_that_a_quota_forbids_goes_back(full):
    status = flying(2, held=True, pod=None, startTime=None)
    seen = full(held=2, held_status=status, refused={"s-0-2-1": Refused(message="q", retry_at=0)})
    seen.pods.pop("s-0-2-1")
    segment = segment_of(seen, "s-0-2")
    assert (segment.reason, segment.cost) == ("Yielded", 0.0)


def test_a_hold_that_is_overdue_is_ended(full):
    late = pod_of(2, hold=True, scheduled=NOW - 61)
    assert told(full(held=2, pods={"s-0-2-1": late})) == {"s-0-2-1": "HoldEnded"}


def test_a_study_that_no_longer_asks_for_it_gives_its_pods_back(full, of):
    assert told(full(held=2, spec=of(workers={}))) == {"s-0-2-1": "Yielded"}


def test_a_held_trial_that_ended_goes_back_to_the_queue_and_is_paid(full):
    over = pod_of(
        2,
        hold=True,
        phase="Succeeded",
        command="checkpoint",
        command_reason="Yielded",
        stage=ContainerFacts(state="terminated", exit_code=0, finished=NOW - 5),
    )
    seen = full(held=2, pods={"s-0-2-1": over}, more=0)
    (status,) = [one.status for one in actions(seen, WriteStatus) if one.ref.name == "s-0-2"]
    assert (status.state, status.reason) == (TrialState.QUEUED, "Yielded")
    assert status.infrastructure_failures is None
    assert status.cost == pytest.approx(15 / 1000)
    assert status.completion_time is None


def test_a_hold_that_used_up_its_deadline_is_no_failure(full):
    over = pod_of(2, hold=True, phase="Failed", reason="DeadlineExceeded")
    seen = full(held=2, pods={"s-0-2-1": over}, more=0)
    (status,) = [one.status for one in actions(seen, WriteStatus) if one.ref.name == "s-0-2"]
    assert (status.state, status.reason) == (TrialState.QUEUED, "HoldEnded")


def test_who_waits_does_not_count_as_running(full):
    seen = full(held=2, more=0)
    (status,) = [one.status for one in actions(seen, WriteStatus) if one.ref.name == "s"]
    assert (status.parallel_trials, status.trials.running, status.trials.queued) == (2, 2, 1)
