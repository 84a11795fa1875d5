"""Pods made ahead of their places."""

from datetime import datetime

import node
from invariants import is_held
from kube import kubectl, wait_for
from scenarios import REPORT, stage, study

SCRIPT = f"echo begun\nsleep 6\n{REPORT}"
MORE_THAN_NEEDED = 40
AFTERWARDS = 4


def test_the_next_pod_is_ready_before_its_place_and_runs_in_it(
    kube, studies, namespace, instance_type
):
    name = studies.apply(
        study(
            "ahead",
            stage(SCRIPT),
            types=[instance_type()],
            parallelTrials=2,
            workers={"lookAhead": "Pod"},
            budget={"maxTrials": MORE_THAN_NEEDED, "maxCost": 1},
        )
    )

    def held():
        found = [one for one in studies.pods() if is_held(one) and node.container_id(one, "stage")]
        return found[0] if found else None

    first = wait_for("a pod that waits", held, seconds=90, interval=0.1, show=studies.describe)
    assert len([one for one in studies.pods() if not is_held(one)]) >= 2, "a place was free"
    waiting = first["metadata"]["labels"]["tuner.dev/trial"]
    status = _status(studies, name, waiting)
    assert (status["state"], status["reason"]) == ("Queued", "Held")
    assert _begun(first, namespace) is None

    wait_for(
        "its place",
        lambda: _segment(studies, name, waiting).get("releaseTime"),
        seconds=30,
        interval=0.1,
        show=studies.describe,
    )
    began = wait_for(
        "its stage", lambda: _begun(first, namespace), seconds=10, show=studies.describe
    )
    released = datetime.fromisoformat(_segment(studies, name, waiting)["releaseTime"])
    assert began >= released.timestamp()

    wait_for("another that waits", held, seconds=60, interval=0.1, show=studies.describe)
    kube.patch("tuningstudies", name, namespace, {"spec": {"suspend": True}})
    wait_for("no pod", lambda: not studies.pods(), seconds=60, show=studies.describe)
    wait_for(
        "the state Suspended",
        lambda: studies.status(name)["state"] == "Suspended",
        seconds=20,
        show=studies.describe,
    )
    assert not [one for one in studies.trials(name) if one["status"]["state"] == "Failed"]

    trials = studies.status(name)["trials"]["completed"] + AFTERWARDS
    rest = {"suspend": False, "budget": {"maxTrials": trials}}
    kube.patch("tuningstudies", name, namespace, {"spec": rest})
    status = studies.end(name, seconds=180)
    assert status["trials"]["completed"] == trials
    assert status["cost"]["spent"] < 1
    wait_for("no pod", lambda: not studies.pods(), seconds=20, show=studies.describe)


def _status(studies, study_name, trial):
    found = (one for one in studies.trials(study_name) if one["metadata"]["name"] == trial)
    return next(found).get("status", {})


def _segment(studies, study_name, trial):
    return _status(studies, study_name, trial)["segments"][-1]


def _begun(pod, namespace):
    """When its stage wrote its first line, seconds since the epoch; None while it has not."""
    words = ["logs", pod["metadata"]["name"], f"--namespace={namespace}", "-c", "stage"]
    lines = kubectl(*words, "--timestamps").splitlines()
    return datetime.fromisoformat(lines[0].split()[0]).timestamp() if lines else None
