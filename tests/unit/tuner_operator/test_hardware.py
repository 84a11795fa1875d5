"""Instance types: are they ready, have they room, what do they cost, who waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from passes import pod, status_of

from tuner.spec.instance_type import InstanceTypeSpec, InstanceTypeStatus
from tuner.spec.trial import TrialState
from tuner.spec.why import Why
from tuner_operator import moments
from tuner_operator.actions import Create, Delete, Tell, WriteVerdict
from tuner_operator.node_facts import read_node
from tuner_operator.observed import TypeUse
from tuner_operator.pod_facts import ContainerFacts, read_pod
from tuner_operator.reconcile import reconcile
from tuner_operator.reconcile.instance_types import instance_type_status
from tuner_operator.reconcile.scarcity import NODE_SECONDS, PENALTY_SECONDS
from tuner_operator.type_use import use_of

NOW = 1_800_000_000.0
GPU = {"nvidia.com/gpu": "8"}
POOL = {"pool": "a100"}


def node(*, name="n", labels=None, taints=(), allocatable=None, ready="True", cordoned=False, at=0):
    return read_node(
        {
            "kind": "Node",
            "metadata": {"name": name, "labels": labels or POOL},
            "spec": {"taints": list(taints), "unschedulable": cordoned},
            "status": {
                "conditions": [
                    {
                        "type": "Ready",
                        "status": ready,
                        "lastTransitionTime": moments.render(NOW + at),
                    }
                ],
                "allocatable": allocatable or {"cpu": "96", "nvidia.com/gpu": "8"},
            },
        }
    )


def status(spec, *nodes, **changes):
    given = {
        "old": InstanceTypeStatus(),
        "running": 0,
        "preempted_seconds_per_hour": None,
        "generation": 1,
        "now": NOW,
    }
    offer = InstanceTypeSpec.model_validate({"nodeSelector": POOL, "resources": GPU, **spec})
    return instance_type_status(offer, nodes=nodes, **{**given, **changes})


def ready(status):
    (condition,) = status.conditions
    return condition.status, condition.reason


FINE = ("True", "NodesPresent")
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("spec", "nodes", "expected"),
    [
        ({}, [node()], ("True", "NodesPresent")),
        ({}, [], ("False", "NoNodes")),
        ({}, [node(labels={"pool": "t4"})], ("False", "NoNodes")),
        ({}, [node(ready="False")], ("False", "NoNodes")),
        ({}, [node(cordoned=True)], ("False", "NoNodes")),
        ({"provisioningTimeout": "10m"}, [], ("True", "Provisioned")),
        ({"provisioningTimeout": "10m"}, [node(cordoned=True)], ("True", "Provisioned")),
        ({}, [node(taints=[TAINT])], ("False", "NodesUnusable")),
        ({}, [node(taints=[{**TAINT, "effect": "PreferNoSchedule"}])], FINE),
        ({"tolerations": [{"operator": "Exists"}]}, [node(taints=[TAINT])], FINE),
        (
            {"tolerations": [{"key": "nvidia.com/gpu", "value": "other"}]},
            [node(taints=[TAINT])],
            ("False", "NodesUnusable"),
        ),
        (
            {"tolerations": [{"key": "nvidia.com/gpu", "value": "present"}]},
            [node(taints=[TAINT])],
            ("True", "NodesPresent"),
        ),
        ({}, [node(allocatable={"cpu": "96", "nvidia.com/gpu": "4"})], ("False", "NodesUnusable")),
        ({}, [node(name="m", cordoned=True), node()], ("True", "NodesPresent")),
    ],
)  # fmt: skip
def test_a_type_is_ready_where_a_node_can_take_a_trial(spec, nodes, expected):
    assert ready(status(spec, *nodes)) == expected


def test_what_is_in_the_way_is_told():
    nodes = node(taints=[TAINT]), node(name="m", cordoned=True)
    (condition,) = status({}, *nodes).conditions
    assert "tainted with nvidia.com/gpu" in condition.message
    assert "cordoned" in condition.message


def test_several_gpus_and_slices_of_one_are_shown():
    assert status({}).summary.gpu == "8 x gpu"
    mig = {"resources": {"cpu": "4", "nvidia.com/mig-3g.40gb": "1"}}
    assert status(mig).summary.gpu == "1 x mig-3g.40gb"


def test_the_observed_rate_of_preemption_is_in_the_status():
    assert status({}, preempted_seconds_per_hour=46.4).preempted_seconds_per_hour == 46.4


# Scarcity.

TWO = {"a100": {"pricePerHour": 10.0}, "t4": {"pricePerHour": 1.0}}


@pytest.fixture
def of(spec):
    return spec(hardware={"instanceTypes": ["a100", "t4"]})


def flying(type_="a100", **segment):
    return {
        "state": "Unschedulable",
        "attempts": 1,
        "segments": [
            {
                "stages": ["train"],
                "pod": "s-0-0-1",
                "instanceType": type_,
                "attempt": 1,
                "pricePerHour": 10.0,
                **segment,
            }
        ],
    }


def pending(**changes):
    nowhere = {"phase": "Pending", "scheduled": None, "node": "", "stage": ContainerFacts()}
    said = {"created": NOW - NODE_SECONDS - 1, "scheduling": "0/3 nodes are available"}
    return pod(**{**nowhere, **said, **changes})


def scarce(observed):
    found = status_of(observed, "s").scarce or ()
    return {one.instance_type: (one.room, one.reason) for one in found}


def without_nodes():
    return status({"nodeSelector": {"pool": "none"}})


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (TypeUse(waiting_since=NOW - NODE_SECONDS + 1), {}),
        (TypeUse(waiting_since=NOW - NODE_SECONDS), {"a100": (0, "Unschedulable")}),
        (TypeUse(withdrawn_at=NOW - PENALTY_SECONDS + 1), {"a100": (0, "Unschedulable")}),
        (TypeUse(withdrawn_at=NOW - PENALTY_SECONDS), {}),
        (TypeUse(withdrawn_at=NOW - 50, moved_at=NOW - 10), {}),
        (TypeUse(withdrawn_at=NOW - 50, moved_at=NOW - 90), {"a100": (0, "Unschedulable")}),
    ],
)
def test_a_type_without_a_node_for_long_is_scarce_until_there_is_one(observed, of, use, expected):
    assert scarce(observed(of=of, types=TWO, type_use={"a100": use})) == expected


def test_a_node_made_on_demand_may_take_as_long_as_the_type_says(observed, of):
    types = {**TWO, "a100": {"pricePerHour": 10.0, "provisioningTimeout": "10m"}}
    use = {"a100": TypeUse(waiting_since=NOW - 599)}
    assert scarce(observed(of=of, types=types, type_use=use)) == {}
    use = {"a100": TypeUse(waiting_since=NOW - 600)}
    assert scarce(observed(of=of, types=types, type_use=use)) == {"a100": (0, "Unschedulable")}


def test_a_type_without_nodes_is_scarce_at_once_and_comes_back_at_once(observed, of):
    away = {"a100": without_nodes()}
    assert scarce(observed(of=of, types=TWO, type_status=away)) == {"a100": (0, "NoNodes")}
    back = {"a100": status({}, node())}
    assert scarce(observed(of=of, types=TWO, type_status=back)) == {}


def test_people_hear_once_that_a_type_has_run_out(observed, of):
    def told(**status):
        seen = observed(of=of, types=TWO, type_status={"a100": without_nodes()}, status=status)
        found = [a for c in reconcile(seen) for a in c.actions if isinstance(a, Tell)]
        return [one.message for one in found if one.reason == "NoNodes"]

    assert told() == ["InstanceType a100: no node of this type is there"]
    out = {"instanceType": "a100", "room": 0, "reason": "NoNodes"}
    assert told(scarce=[out]) == []
    assert len(told(scarce=[{**out, "room": 1, "reason": "Full"}])) == 1


def test_a_new_node_ends_the_wait_for_one(observed, of):
    use = {"a100": TypeUse(withdrawn_at=NOW - 50)}
    known = status({}, node(at=-70), node(name="m", cordoned=True, at=-10))
    seen = {"of": of, "types": TWO, "type_use": use}
    assert scarce(observed(**seen, type_status={"a100": known})) == {"a100": (0, "Unschedulable")}
    newer = status({}, node(at=-70), node(name="m", at=-10))
    assert scarce(observed(**seen, type_status={"a100": newer})) == {}


@pytest.mark.parametrize(
    ("limit", "others", "expected"),
    [
        (1, 0, {"a100": (1, "Full")}),
        (1, 1, {"a100": (0, "Full")}),
        (3, 2, {"a100": (1, "Full")}),
        (2, 0, {}),
        (9, 7, {}),
    ],
)
def test_a_type_has_the_room_that_other_studies_leave(observed, of, limit, others, expected):
    types = {**TWO, "a100": {"pricePerHour": 10.0, "maxParallelTrials": limit}}
    seen = observed(of=of, types=types, type_usage={"a100": others})
    assert scarce(seen) == expected


WAITING = {"a100": TypeUse(running=1, waiting_since=NOW - NODE_SECONDS - 1)}


def test_a_trial_that_finds_no_node_gives_its_place_to_another_proposal(observed, trial, of):
    seen = observed(
        trial(0, types={"train": "a100"}, status=flying()),
        of=of,
        types=TWO,
        pods={"s-0-0-1": pending()},
        type_use=WAITING,
    )
    gone = status_of(seen, "s-0-0")
    assert (gone.state, gone.reason) == (TrialState.CANCELLED, "Unschedulable")
    assert not gone.cost
    kinds = {type(one) for chain in reconcile(seen) for one in chain.actions}
    assert {Delete, WriteVerdict} <= kinds


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ({}, {"a100": TWO["a100"]}),
        ({"status": flying(startTime=moments.render(NOW - 500), earlierCost=1.0)}, TWO),
    ],
    ids=["nowhere else to go", "it has run"],
)
def test_other_trials_wait_for_a_node_as_long_as_the_study_says(
    observed, trial, spec, changes, types
):
    seen = observed(
        trial(0, **{"types": {"train": "a100"}, "status": flying(), **changes}),
        of=spec(hardware={"instanceTypes": list(types)}),
        types=types,
        pods={"s-0-0-1": pending()},
        type_use=WAITING,
    )
    told = status_of(seen, "s-0-0")
    assert told is None or told.state is TrialState.UNSCHEDULABLE


def test_what_the_user_asked_for_by_name_waits(observed, trial, of):
    asked = trial(0, types={"train": "a100"}, status=flying())
    why = {"why": Why(searcher="initialTrials")}
    asked = replace(asked, spec=asked.spec.model_copy(update=why))
    seen = observed(asked, of=of, types=TWO, pods={"s-0-0-1": pending()}, type_use=WAITING)
    told = status_of(seen, "s-0-0")
    assert told is None or told.state is TrialState.UNSCHEDULABLE


def test_a_trial_queued_for_a_type_that_stays_full_is_withdrawn(observed, trial, of):
    types = {**TWO, "a100": {"pricePerHour": 10.0, "maxParallelTrials": 1}}
    full = {"type_usage": {"a100": 1}, "of": of, "types": types}
    # Trials of the fixture were created 100 seconds ago.
    gone = status_of(observed(trial(0, types={"train": "a100"}), **full), "s-0-0")
    assert (gone.state, gone.reason) == (TrialState.CANCELLED, "Scarce")
    young = replace(trial(0, types={"train": "a100"}), created=NOW - 1)
    assert status_of(observed(young, **full), "s-0-0").state is TrialState.QUEUED


def test_the_use_of_a_type_is_read_from_its_trials(trial):
    started, ended = (moments.render(NOW - seconds) for seconds in (90, 30))
    trials = [
        trial(0, status=flying()),
        trial(1, status=flying("t4", startTime=started, endTime=ended)),
        trial(2, status=flying("t4", startTime=started)),
        trial(3, status={**flying(endTime=ended), "state": "Cancelled", "reason": "Unschedulable"}),
    ]
    use = use_of(trials, pods={"s-0-0-1": pending(created=NOW - 33)})
    assert use["a100"] == TypeUse(running=1, waiting_since=NOW - 33, withdrawn_at=NOW - 30)
    assert use["t4"] == TypeUse(running=1, moved_at=NOW - 30)
    assert use_of(trials[:1], pods={"s-0-0-1": pending(gated=True)})["a100"].waiting_since is None


def test_a_gated_pod_is_queued_however_long(observed, trial, of):
    seen = observed(
        trial(0, types={"train": "a100"}, status=flying()),
        of=of,
        types=TWO,
        pods={"s-0-0-1": pending(gated=True, scheduling="Scheduling is blocked")},
        type_use={"a100": TypeUse(running=1)},
        type_status={"a100": without_nodes()},
    )
    told = status_of(seen, "s-0-0")
    assert (told.state, told.reason) == (TrialState.QUEUED, "SchedulingGated")


# Prices, nodes, preemptions.


def test_a_trial_keeps_the_prices_of_its_first_attempt(observed, trial):
    first = status_of(observed(trial(0)), "s-0-0")
    assert first.prices == {"small": 1.0}
    ended = moments.render(NOW - 10)
    again = first.model_dump(mode="json", by_alias=True, exclude_none=True)
    again["segments"][0] |= {"startTime": ended, "endTime": ended, "cost": 0.5, "pod": "s-0-0-1"}
    dearer = {"small": {"pricePerHour": 9.0}}
    seen = observed(trial(0, status=again), trial(1), types=dearer)
    assert status_of(seen, "s-0-0").segments[0].price_per_hour == 1.0
    assert status_of(seen, "s-0-1").segments[0].price_per_hour == 9.0


def test_a_segment_keeps_its_node_when_the_node_is_gone(observed, trial):
    labels = {"node.kubernetes.io/instance-type": "g5.xlarge", "cloud.google.com/gke-spot": "true"}
    running = pending(
        phase="Running", scheduled=NOW - 50, scheduling="", node="n",
        stage=ContainerFacts(state="running"),
    )  # fmt: skip
    of = {"types": TWO, "pods": {"s-0-0-1": running}}
    there = status_of(observed(trial(0, status=flying()), nodes={"n": labels}, **of), "s-0-0")
    (segment,) = there.segments
    assert (segment.node.instance_type, segment.node.capacity_type) == ("g5.xlarge", "spot")
    kept = there.model_dump(mode="json", by_alias=True, exclude_none=True)
    lost = {**of, "pods": {"s-0-0-1": replace(running, phase="Failed", reason="NodeLost")}}
    after = status_of(observed(trial(0, status=kept), nodes={}, **lost), "s-0-0")
    assert after.segments[0].node.instance_type == "g5.xlarge"
    assert after.segments[0].end_time is not None


def test_a_place_that_kueue_takes_away_is_a_disruption():
    condition = {"type": "TerminationTarget", "status": "True", "message": "preempted by another"}
    pod = {"metadata": {"name": "p"}, "status": {"conditions": [condition]}}
    assert read_pod(pod).disruption == "preempted by another"


def test_workers_are_told_the_observed_rate_of_preemption(observed):
    def told(**status):
        seen = observed(type_status={"small": InstanceTypeStatus.model_validate(status)})
        made = [a.manifest for c in reconcile(seen) for a in c.actions if isinstance(a, Create)]
        (found,) = (one for one in made if one["kind"] == "ConfigMap")
        return found["data"]["instance-types.json"]

    assert '"preemptedSecondsPerHour": 46.4' in told(preemptedSecondsPerHour=46.4)
    assert "preemptedSecondsPerHour" not in told()
