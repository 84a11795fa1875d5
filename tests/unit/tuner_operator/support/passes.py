"""What one pass over a study looks at, and what it asks for."""

from __future__ import annotations

from tuner_operator import moments
from tuner_operator.actions import (
    Create,
    WriteStatus,
)
from tuner_operator.pod_facts import ContainerFacts, PodFacts
from tuner_operator.reconcile import reconcile

NOW = 1_800_000_000.0
AT = moments.render(NOW - 50)


def actions(observed, kind, *, subject=None):
    """What a pass asks for, of one kind."""
    return [
        action
        for chain in reconcile(observed)
        for action in chain.actions
        if isinstance(action, kind) and subject in (None, chain.subject)
    ]


def status_of(observed, name):
    """The status that is written for a trial or the study; the last one counts."""
    written = [one.status for one in actions(observed, WriteStatus) if one.ref.name == name]
    return written[-1] if written else None


def condition(observed, type_):
    """The study's condition as it is written."""
    found = {one.type: one for one in status_of(observed, "s").conditions}
    return found[type_]


def created_pods(observed):
    """The names of the trial pods that a pass makes."""
    names = [one.manifest["metadata"]["name"] for one in actions(observed, Create)]
    return [name for name in names if name.startswith("s-0-")]


def flying(**segment):
    """The status of a trial with an attempt in flight."""
    return {
        "state": "Running",
        "attempts": 1,
        "startTime": AT,
        "segments": [
            {
                "stages": ["train"],
                "pod": "s-0-0-1",
                "instanceType": "small",
                "attempt": 1,
                "pricePerHour": 1.0,
                "startTime": AT,
                **segment,
            }
        ],
    }


def final(state, **more):
    """The status of a trial that has ended."""
    return {"state": state, "attempts": 1, "cost": 0.5, "completionTime": AT, **more}


def pod(**changes):
    """Facts of the pod of trial s-0-0; it runs."""
    return PodFacts(
        **{
            "name": "s-0-0-1",
            "uid": "pod-uid",
            "trial": "s-0-0",
            "trial_uid": "uid-0",
            "attempt": 1,
            "created": NOW - 60,
            "phase": "Running",
            "scheduled": NOW - 50,
            "node": "node-1",
            "stage": ContainerFacts(state="running"),
            **changes,
        }
    )
