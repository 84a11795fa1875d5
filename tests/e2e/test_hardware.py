"""Instance types on a cluster: fake GPU nodes, scarcity, spot, segments, and what all that costs.

Pods on fake nodes (kwok's) are placed by the real scheduler and run nothing: what is seen there is
where trials land and what is proposed instead. What has a result runs in real pods.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kube import kubectl, wait_for
from scenarios import REPORT, STEPS, stage, study

from tuner.study.chronicle import Chronicle

CLUSTER = Path(__file__).parents[1] / "cluster" / "cluster.py"
LABEL = "node.kubernetes.io/instance-type"
FAKE = [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]
MACHINES = {
    "p4d.24xlarge": {"cpu": 96, "gpus": 8, "price": 32.0},
    "g5.12xlarge": {"cpu": 48, "gpus": 4, "price": 5.6},
    "g4dn.xlarge": {"cpu": 4, "gpus": 1, "price": 0.5},
    "p5.48xlarge": {"cpu": 192, "gpus": 8, "price": 55.0},
    "g6.12xlarge": {"cpu": 48, "gpus": 4, "price": 4.6},
}
"""Tests run side by side: each has machines of its own."""

THREE = ("p4d.24xlarge", "g5.12xlarge", "g4dn.xlarge")
RARE, COMMON = "p5.48xlarge", "g6.12xlarge"


def fake_nodes(machine, *, count):
    size = MACHINES[machine]
    subprocess.run(
        [sys.executable, CLUSTER, "fake-nodes", machine, f"--count={count}",
         f"--cpu={size['cpu']}", "--memory=256Gi", f"--gpus={size['gpus']}"],
        check=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
def machines(kube, instance_type):
    """Makes instance types of machines, with one fake node of each."""
    if not os.environ.get("TUNER_CLUSTER_STATE"):
        pytest.skip("fake nodes need the test cluster's kwok")
    made = []

    def make(machine, *, gpus=None, **spec):
        size = MACHINES[machine]
        made.append(machine)
        fake_nodes(machine, count=1)
        name = instance_type(
            price=size["price"],
            nodeSelector={LABEL: machine},
            tolerations=FAKE,
            resources={"cpu": "1", "nvidia.com/gpu": str(gpus or size["gpus"])},
            **spec,
        )
        wait_for(
            f"{machine} to be ready",
            lambda: condition(kube.get("instancetypes", name), "Ready") == "True",
            seconds=20,
            show=lambda: kube.get("instancetypes", name),
        )
        return name

    yield make
    for machine in made:
        kubectl("delete", "nodes", f"--selector={LABEL}={machine}", "--wait=false")


def condition(found, kind):
    conditions = (found or {}).get("status", {}).get("conditions", ())
    return next((one["status"] for one in conditions if one["type"] == kind), None)


def placed(studies, name, *, state="Running"):
    """The open trials in a state, by the machine of their node."""
    found = {}
    for trial in studies.trials(name):
        status = trial.get("status", {})
        if status.get("state") != state:
            continue
        for segment in status["segments"]:
            machine = segment.get("node", {}).get("instanceType", "")
            found.setdefault(machine, []).append(trial)
    return found


def gone(studies, name):
    """The trials that were given up for want of a node."""
    found = [one.get("status", {}) for one in studies.trials(name)]
    return [
        one for one in found if one.get("reason") == "Unschedulable" and "completionTime" in one
    ]


def finish(kube, studies, *names):
    """Deletes studies whose trials would never end, before their nodes go."""
    for name in names:
        kube.delete("tuningstudies", name, studies.namespace)
    wait_for(
        "no pod",
        lambda: not any(studies.pods(role=role, live=False) for role in ("trial", "worker")),
        seconds=60,
        show=studies.describe,
    )


def test_trials_land_on_the_types_that_were_proposed_for_them(kube, studies, machines):
    types = {machine: machines(machine, maxParallelTrials=1) for machine in THREE}
    name = studies.apply(
        study(
            "cloud", stage(REPORT), types=list(types.values()), parallelTrials=3,
            searcher={"type": "Random", "seed": 4}, budget={"maxTrials": 99},
        )
    )  # fmt: skip
    found = wait_for(
        "a trial on each machine: one is all that its type may take",
        lambda: there if len(there := placed(studies, name)) == 3 else None,
        seconds=60,
        show=studies.describe,
    )

    def told_of():
        return [kube.get("instancetypes", one)["status"] for one in types.values()]

    for machine, (trial,) in found.items():
        assert trial["spec"]["instanceTypes"] == {"train": types[machine]}
        (segment,) = trial["status"]["segments"]
        assert segment["pricePerHour"] == MACHINES[machine]["price"]
    wait_for(
        "the types to tell of a trial each",
        lambda: all(one["runningTrials"] == 1 for one in told_of()),
        seconds=20,
    )
    told = told_of()
    assert [one["nodes"] for one in told] == [1, 1, 1]
    assert {one["summary"]["gpu"] for one in told} == {"8 x gpu", "4 x gpu", "1 x gpu"}
    finish(kube, studies, name)


def test_an_exhausted_type_leads_to_other_proposals_within_a_minute_and_comes_back(
    kube, studies, namespace, machines
):
    rare, common = machines(RARE), machines(COMMON, gpus=1)
    holder = studies.apply(study("holder", stage(REPORT), types=[rare], parallelTrials=1))
    wait_for(
        "the only node to be taken",
        lambda: placed(studies, holder).get(RARE),
        seconds=40,
        show=studies.describe,
    )
    name = studies.apply(
        study(
            "waits", stage(REPORT), types=[rare, common], parallelTrials=2,
            searcher={"type": "Random", "seed": 11}, budget={"maxTrials": 99},
        )
    )  # fmt: skip
    wait_for(
        "a trial that finds no node",
        lambda: placed(studies, name, state="Unschedulable"),
        seconds=20,
        show=studies.describe,
    )
    began = time.monotonic()
    wait_for(
        "two trials on the other type",
        lambda: len(placed(studies, name).get(COMMON, ())) == 2,
        seconds=60,
        show=studies.describe,
    )
    print(f"other types were proposed {time.monotonic() - began:.0f} s later")
    (scarce,) = studies.status(name)["scarce"]
    assert (scarce["instanceType"], scarce["room"]) == (rare, 0)
    assert gone(studies, name), "nothing was given up"
    closed = [one["spec"]["why"].get("closed") for one in studies.trials(name)]
    assert [rare] in closed

    fake_nodes(RARE, count=2)
    wait_for(
        "room on the new node",
        lambda: "scarce" not in studies.status(name),
        seconds=40,
        show=lambda: (studies.status(name)["scarce"], kube.get("instancetypes", rare)),
    )
    kube.patch("instancetypes", common, "", {"spec": {"maxParallelTrials": 2}})
    kube.patch("tuningstudies", name, namespace, {"spec": {"parallelTrials": 3}})
    wait_for(
        "a trial on the new node",
        lambda: placed(studies, name).get(RARE),
        seconds=40,
        show=studies.describe,
    )
    finish(kube, studies, holder, name)


def recounted(studies, name):
    """Dollars by trial, in all and of lost attempts, from the verdicts in the bucket."""
    chronicle = Chronicle()
    chronicle.add(studies.bucket.log(studies.get(name)).read_all())
    verdicts = {one.name: list(one.verdicts.values()) for one in chronicle.stories}
    lost = [one.cost_usd for some in verdicts.values() for one in some if one.infrastructure]
    return {name: sum(one.cost_usd for one in some) for name, some in verdicts.items()}, sum(lost)


def evict(pod, namespace):
    """What drains a node that the provider takes back."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def test_a_preempted_spot_pod_goes_on_from_its_checkpoint_and_what_was_lost_is_in_the_cost(
    kube, studies, namespace, instance_type
):
    # Prices at which a second is a cent.
    spot = instance_type(price=36.0, capacityType="Spot")
    length = 12
    name = studies.apply(
        study(
            "spot", stage(STEPS), types=[spot], steps=length, parallelTrials=1,
            budget={"maxTrials": 2},
        )
    )  # fmt: skip
    wait_for(
        "step 5", lambda: [one for one in studies.reports(name) if one[2] >= 5],
        seconds=60, show=studies.describe,
    )  # fmt: skip
    evict(studies.running_pod()["metadata"]["name"], namespace)
    kube.patch("instancetypes", spot, "", {"spec": {"pricePerHour": 72.0}})
    status = studies.end(name, seconds=120)
    assert status["state"] == "Succeeded", studies.describe()

    first, second = studies.trials(name)
    reports = [one for one in studies.reports(name) if one[0] == first["metadata"]["name"]]
    assert {step for _, _, step, _ in reports} == set(range(1, length + 1))
    assert min(step for _, attempt, step, _ in reports if attempt == 2) > 5, "it began again"
    assert first["status"]["attempts"] == 2
    assert first["status"]["infrastructureFailures"] == 1
    # The price of a trial is that of its first attempt.
    prices = [one["status"]["segments"][0]["pricePerHour"] for one in (first, second)]
    assert prices == [36.0, 72.0]

    costs, lost = recounted(studies, name)
    for trial in (first, second):
        assert trial["status"]["cost"] == pytest.approx(costs[trial["metadata"]["name"]], abs=1e-6)
    assert first["status"]["lostCost"] == pytest.approx(lost, abs=1e-6)
    assert lost >= 5 * 0.01, "five seconds were run and paid for"
    assert status["cost"]["preempted"] == pytest.approx(lost, abs=1e-5)
    assert status["cost"]["spent"] == pytest.approx(sum(costs.values()), abs=1e-5)


def test_a_trial_of_three_segments_shows_each_with_its_type_node_and_cost(studies, instance_type):
    # In place of a CPU machine, one with GPUs and a small one: real pods, real prices apart.
    cpu, gpu, small = (instance_type(price=price) for price in (0.36, 36.0, 3.6))
    make = 'sleep 1; echo 7 > "$TUNER_OUTPUT_DIR/seven"'
    train = 'sleep 2; cp "$TUNER_STAGE_PREPARE_DIR/seven" "$TUNER_OUTPUT_DIR/model"'
    name = studies.apply(
        study(
            "segments",
            stage(make, name="prepare", parameters=[], hardware={"instanceTypes": [cpu]}),
            stage(train, name="train", hardware={"instanceTypes": [gpu]}),
            stage(
                f'test -f "$TUNER_STAGE_TRAIN_DIR/model"\n{REPORT}',
                name="benchmark",
                hardware={"instanceTypes": [small]},
            ),
            types=[cpu],
            objectives=[
                {"metric": "loss", "direction": "Minimize", "stage": "benchmark"},
                {"metric": "cost", "direction": "Minimize"},
            ],
            budget={"maxTrials": 1},
        )
    )
    assert studies.end(name, seconds=90)["state"] == "Succeeded", studies.describe()
    (trial,) = studies.trials(name)
    segments = trial["status"]["segments"]
    assert [one["stages"] for one in segments] == [["prepare"], ["train"], ["benchmark"]]
    assert [one["instanceType"] for one in segments] == [cpu, gpu, small]
    assert len({one["pod"] for one in segments}) == 3
    assert all(one["node"]["name"] for one in segments)
    for one, price in zip(segments, (0.36, 36.0, 3.6), strict=True):
        assert one["pricePerHour"] == price
        assert one["cost"] > 0
    costs, _ = recounted(studies, name)
    assert trial["status"]["cost"] == pytest.approx(sum(one["cost"] for one in segments), abs=1e-6)
    assert trial["status"]["cost"] == pytest.approx(costs[trial["metadata"]["name"]], abs=1e-6)
    assert trial["status"]["summary"]["type"] == f"{cpu},{gpu},{small}"
