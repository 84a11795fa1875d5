"""Processes killed, pods deleted, the store away: nothing is lost, nothing counted twice."""

import signal
import time

import node
import pytest
from kube import wait_for
from scenarios import STEPS, stage, study

KILLS = 3
LENGTH = 45


@pytest.fixture
def running(studies, instance_type):
    """A study of two trials of 45 seconds each, in mid-run; returns its name."""
    name = studies.apply(
        study("fault", stage(STEPS), types=[instance_type()], steps=LENGTH, budget={"maxTrials": 2})
    )
    wait_for(
        "reports of both trials",
        lambda: len({one[0] for one in studies.reports(name)}) == 2,
        seconds=120,
        show=studies.describe,
    )
    return name


def assert_whole(studies, name, *, seconds=240, attempts=1):
    """The study succeeds, and every step of every trial is in the log."""
    status = studies.end(name, seconds=seconds)
    assert status["state"] == "Succeeded", studies.describe()
    assert status["trials"]["completed"] == 2
    reports = studies.reports(name)
    for trial in studies.trials(name):
        steps = [one[2] for one in reports if one[0] == trial["metadata"]["name"]]
        assert set(steps) == set(range(1, LENGTH + 1)), trial["metadata"]["name"]
        assert trial["status"]["attempts"] <= attempts


def test_operator_killed_three_times(kube, release, studies, running):
    pods = kube.list("pods", release, selector="app.kubernetes.io/component=operator")
    for _ in range(KILLS):
        pod = pods[0]["metadata"]["name"]
        node.send(kube, pod, release, container="operator", number=signal.SIGKILL)
        time.sleep(4)
    assert_whole(studies, running)


def test_worker_killed_three_times(kube, namespace, studies, instance_type):
    # Trials of ten seconds: the worker proposes before, between and after the kills.
    trials = 8
    name = studies.apply(
        study(
            "fault", stage(STEPS), types=[instance_type()], steps=10, budget={"maxTrials": trials}
        )
    )
    for kill in range(KILLS):
        wait_for(
            f"a worker with {kill + 1} trials",
            lambda kill=kill: workers(studies) and len(studies.trials(name)) > kill,
            seconds=120,
            show=studies.describe,
        )
        pod = workers(studies)[0]["metadata"]["name"]
        node.send(kube, pod, namespace, container="worker", number=signal.SIGKILL)
        time.sleep(1)
    status = studies.end(name, seconds=300)
    assert status["state"] == "Succeeded", studies.describe()
    assert status["trials"]["completed"] == trials
    numbers = sorted(trial["spec"]["number"] for trial in studies.trials(name))
    assert numbers == list(range(trials)), "a restarted worker left a number out, or used one twice"
    values = {trial["spec"]["parameters"]["x"] for trial in studies.trials(name)}
    assert len(values) == trials, "a restarted worker replayed its random stream"


def workers(studies):
    return [pod for pod in studies.pods(role="worker") if node.container_id(pod, "worker")]


def test_agent_killed_three_times(kube, namespace, studies, running):
    pod = studies.running_pod()["metadata"]["name"]
    for _ in range(KILLS):
        node.send(kube, pod, namespace, container="agent", number=signal.SIGKILL)
        time.sleep(2)
    assert_whole(studies, running, attempts=2)


def test_a_deleted_trial_pod_is_made_again_and_goes_on(kube, namespace, studies, running):
    wait_for("step 4", lambda: [one for one in studies.reports(running) if one[2] >= 4], seconds=30)
    pod = studies.running_pod()
    kube.delete("pods", pod["metadata"]["name"], namespace)
    assert_whole(studies, running, attempts=2)
    assert first_step_of_second_attempt(studies, running, pod) > 1, "it began again"


def test_a_trial_pod_killed_at_once_goes_on_from_its_periodic_checkpoint(
    bucket, kube, namespace, studies, instance_type
):
    # Without grace nobody can store a checkpoint any more: what counts is the one of each minute.
    # Reports reach the log within two seconds, and only what has reached it survives such an end.
    steps = 80
    name = studies.apply(
        study("fault", stage(STEPS), types=[instance_type()], steps=steps, budget={"maxTrials": 1})
    )
    wait_for(
        "a checkpoint in the bucket",
        lambda: [
            key
            for key in bucket.keys(f"studies/{namespace}/{name}.")
            if "/checkpoints/" in key and key.endswith(".json")
        ],
        seconds=150,
        show=studies.describe,
    )
    saved = max(one[2] for one in studies.reports(name))
    wait_for(
        "the reports up to the checkpoint",
        lambda: max(one[2] for one in studies.reports(name)) >= saved + 4,
        seconds=20,
        show=studies.describe,
    )
    pod = studies.running_pod()
    kube.delete("pods", pod["metadata"]["name"], namespace, "--grace-period=0", "--force")
    assert studies.end(name, seconds=240)["state"] == "Succeeded", studies.describe()
    assert {one[2] for one in studies.reports(name)} == set(range(1, steps + 1))
    assert first_step_of_second_attempt(studies, name, pod) > 30, "it began again"


def first_step_of_second_attempt(studies, name, pod):
    trial = pod["metadata"]["labels"]["tuner.dev/trial"]
    return min(one[2] for one in studies.reports(name) if one[0] == trial and one[1] == 2)


def test_the_store_away_for_thirty_seconds(kube, release, studies, running):
    pods = kube.list("pods", release, selector="app.kubernetes.io/component=minio")
    pod = pods[0]["metadata"]["name"]
    node.send(kube, pod, release, container="minio", number=signal.SIGSTOP)
    try:
        time.sleep(30)
    finally:
        node.send(kube, pod, release, container="minio", number=signal.SIGCONT)
    assert_whole(studies, running)


def test_a_deleted_namespace_goes_with_everything_in_it(kube, namespace, studies, running):
    kube.delete("namespaces", namespace)
    wait_for(
        "the end of the namespace",
        lambda: kube.get("namespaces", namespace) is None,
        seconds=180,
        show=lambda: kube.get("namespaces", namespace),
    )
    assert not [pod for pod in kube.list("pods") if pod["metadata"]["namespace"] == namespace]
