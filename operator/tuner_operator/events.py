"""Core v1 Events, built purely: the same words about the same object have the same name."""

from __future__ import annotations

import hashlib
from typing import Any

from tuner.spec.meta import API_VERSION
from tuner_operator import moments
from tuner_operator.actions import Tell

COMPONENT = "tuner-operator"
MAX_MESSAGE = 1000


def event_of(tell: Tell, *, now: float) -> dict[str, Any]:
    """The event's manifest."""
    ref = tell.ref
    words = "\n".join((ref.uid, tell.reason, tell.message))
    mark = hashlib.sha256(words.encode()).hexdigest()[:12]
    namespace = ref.namespace or "default"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{ref.name}.{mark}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "v1" if ref.kind == "Pod" else API_VERSION,
            "kind": ref.kind,
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": ref.uid,
        },
        "reason": tell.reason,
        "message": tell.message[:MAX_MESSAGE],
        "type": "Warning" if tell.warning else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": moments.render(now),
        "lastTimestamp": moments.render(now),
        "count": 1,
    }
