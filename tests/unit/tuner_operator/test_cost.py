from __future__ import annotations

import pytest

from tuner_operator.cost import interval
from tuner_operator.pod_facts import ContainerFacts, PodFacts, read_pod


def facts(**values):
    return PodFacts(name="p", uid="u", trial="t", trial_uid="o", attempt=1, created=100.0, **values)


def test_a_pod_without_a_node_costs_nothing():
    assert interval(facts(), now=500.0).cost_usd(price_per_hour=3600) == 0


def test_a_running_pod_costs_up_to_now():
    assert interval(facts(phase="Running", scheduled=110.0), now=500.0).seconds == 390


def test_an_ended_pod_costs_up_to_its_last_container():
    pod = facts(
        phase="Failed",
        scheduled=110.0,
        stage=ContainerFacts(state="terminated", finished=150.0),
        agent=ContainerFacts(state="terminated", finished=155.0),
    )
    assert interval(pod, now=500.0).cost_usd(price_per_hour=3600) == pytest.approx(45)


def test_a_vanished_pod_costs_up_to_its_last_sign():
    pod = facts(phase="Running", scheduled=110.0, gone=True)
    assert interval(pod, now=500.0, last_sign=300.0).seconds == 190
    assert interval(pod, now=500.0, last_sign=50.0).seconds == 0


def test_a_container_that_never_started_is_clipped():
    never = {"terminated": {"exitCode": 137, "finishedAt": "1970-01-01T00:00:00Z"}}
    pod = read_pod(
        {
            "metadata": {"name": "p", "creationTimestamp": "2026-11-21T01:00:00Z"},
            "status": {
                "phase": "Failed",
                "containerStatuses": [{"name": "stage", "state": never}],
            },
        }
    )
    assert pod.finished is None
