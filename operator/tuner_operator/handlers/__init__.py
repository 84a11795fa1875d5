"""kopf: watches only. Every event goes into memory; nothing is decided here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import kopf

from tuner.spec.meta import GROUP, VERSION
from tuner_operator.client.resources import API_VERSIONS
from tuner_operator.health import Pulse
from tuner_operator.memory import Memory, version_of
from tuner_operator.names import STUDY_LABEL, Object

_KINDS = {
    "tuningstudies": "TuningStudy",
    "tuningtrials": "TuningTrial",
    "instancetypes": "InstanceType",
}


class _Backoffs:
    """About five minutes in all, spread, so that operators do not come back together."""

    def __iter__(self) -> Iterator[float]:
        for pause in (0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 90, 90):
            yield pause * random.uniform(0.8, 1.2)


def build_registry(memory: Memory, pulse: Pulse) -> kopf.OperatorRegistry:
    """Handlers of every kind that is watched."""
    registry = kopf.OperatorRegistry()
    for plural, kind in _KINDS.items():
        kopf.on.event(GROUP, VERSION, plural, registry=registry, id=plural)(
            _taker(memory, kind, pulse)
        )
    kopf.on.event(
        "", "v1", "pods", labels={STUDY_LABEL: kopf.PRESENT}, registry=registry, id="pods"
    )(_taker(memory, "Pod", pulse))
    kopf.on.event("", "v1", "nodes", registry=registry, id="nodes")(_taker(memory, "Node", pulse))
    return registry


def build_settings() -> kopf.OperatorSettings:
    """kopf as a source of events: no finalizers, no annotations, no peering."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = _Backoffs()
    settings.watching.server_timeout = 300
    settings.watching.chunk_size = 500
    settings.watching.label_selectors["", "v1", "pods"] = STUDY_LABEL
    return settings


async def watch(
    memory: Memory,
    pulse: Pulse,
    *,
    namespaces: tuple[str, ...],
    login: Callable[..., Any],
    identity: str,
) -> None:
    """Watches until a signal ends the process: kopf takes them over. Raises if a watch is lost."""
    registry = build_registry(memory, pulse)
    kopf.on.login(registry=registry)(login)
    await kopf.operator(
        registry=registry,
        settings=build_settings(),
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        standalone=True,
        # Else kopf asks for the user's name, which a container's user need not have.
        identity=identity,  # type: ignore[arg-type]
    )


async def login_with_kubeconfig(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """Credentials from the file that KUBECONFIG names."""
    return kopf.login_with_kubeconfig(**kwargs)


async def login_with_service_account(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """Credentials of the pod."""
    return kopf.login_with_service_account(**kwargs)


def _taker(memory: Memory, kind: str, pulse: Pulse) -> Callable[..., Any]:
    async def take(event: kopf.RawEvent, **_: Any) -> None:
        obj: Object = {**event["object"], "kind": kind, "apiVersion": API_VERSIONS[kind]}
        if event["type"] == "DELETED":
            memory.remove(obj)
        else:
            memory.put(obj)
        if kind == "TuningStudy":
            pulse.seen(version_of(obj))

    return take
