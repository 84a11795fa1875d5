"""When a pod has ended: by its phase, or earlier by its containers."""

import pytest

from tuner_operator.pod_facts import ContainerFacts, PodFacts

WELL = ContainerFacts(state="terminated", exit_code=0, message='{"outcome": "Completed"}')
KILLED = ContainerFacts(state="terminated", exit_code=137)
RUNNING = ContainerFacts(state="running")


def pod(*, agent=WELL, stage=WELL, phase="Running", **facts):
    return PodFacts(
        name="p", uid="u", trial="t", trial_uid="v", attempt=1, created=0.0,
        phase=phase, agent=agent, stage=stage, **facts,
    )  # fmt: skip


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_the_phase_ends_it(phase):
    assert pod(agent=KILLED, stage=KILLED, phase=phase).ended


def test_both_containers_in_order_end_it_before_the_phase_does():
    assert pod().ended


@pytest.mark.parametrize(
    "facts",
    [
        {"stage": RUNNING},
        {"agent": RUNNING},
        {"agent": KILLED},
        {"stage": KILLED},
        {"agent": ContainerFacts(state="terminated", exit_code=0)},
        {"reason": "DeadlineExceeded"},
        {"disruption": "preempted"},
        {"deleting": 1.0},
    ],
)
def test_anything_else_waits_for_the_phase(facts):
    assert not pod(**facts).ended
